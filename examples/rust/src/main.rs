//! A client of the assistant that tells people what to do when a call fails: assistant-client [-check] ADDRESS
//! [SITUATION...]. With -check it writes what the conformance suite reads.

use std::process::ExitCode;
use std::time::Duration;

use recourse_errors::{DegradedReport, ErrorReport, read_degraded, read_error};
use tonic::metadata::MetadataValue;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};

use assistant::assistant_client::AssistantClient;
use assistant::transcribe_request::Chunk;
use assistant::{
    ChatRequest, ClassifyIntentRequest, GenerateRequest, ProcessRequest, TranscribeRequest,
};

mod check;
mod retry;
mod show;

mod assistant {
    #![allow(dead_code, clippy::all)]
    include!("../../../gen/rust/assistant.v1.rs");
}

const DEADLINE: Duration = Duration::from_secs(10);

fn token_of(situation: &str) -> &'static str {
    match situation {
        "token-expired" => "token-of-2019",
        "quota" => "token-of-quinn", // who has two calls a minute
        _ => "token-of-ada",         // who may do all of this
    }
}

const SITUATIONS: [&str; 10] = [
    "answer",
    "not-understood",
    "fields",
    "token-expired",
    "quota",
    "breaks-off",
    "sound",
    "chat-full",
    "bug",
    "degraded",
];

/// What became of a situation.
#[derive(Default)]
struct Outcome {
    answers: Vec<String>,
    mark: Option<DegradedReport>, // the answer is not the real one
    error: Option<ErrorReport>,   // there is none
}

/// One person's calls.
struct Person {
    client: AssistantClient<Channel>,
    token: &'static str,
    outcome: Outcome,
}

impl Person {
    fn call<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        request.set_timeout(DEADLINE);
        if let Ok(bearer) = MetadataValue::try_from(format!("Bearer {}", self.token)) {
            request.metadata_mut().insert("authorization", bearer);
        }
        request
    }

    async fn process(&mut self, query: &str, request_id: &str) -> Result<(), Status> {
        let (query, request_id) = (query.to_owned(), request_id.to_owned());
        let request = self.call(ProcessRequest {
            query,
            request_id,
            ..Default::default()
        });
        let reply = self.client.process(request).await?;
        self.outcome.mark = read_degraded(reply.metadata()); // tonic adds the trailers
        self.outcome.answers.push(reply.into_inner().answer);
        Ok(())
    }

    async fn classify(&mut self, query: &str) -> Result<(), Status> {
        let reply = retry::repeat(async || {
            let request = self.call(ClassifyIntentRequest {
                query: query.to_owned(),
                ..Default::default()
            });
            self.client.clone().classify_intent(request).await
        });
        let intent = reply.await?.into_inner().intent;
        self.outcome.answers.push(intent);
        Ok(())
    }

    async fn generate(&mut self, prompt: &str) -> Result<(), Status> {
        let request = self.call(GenerateRequest {
            prompt: prompt.to_owned(),
            ..Default::default()
        });
        let mut pieces = self.client.generate(request).await?.into_inner();
        while let Some(piece) = pieces.message().await? {
            self.outcome.answers.push(piece.text);
        }
        self.outcome.mark = pieces.trailers().await?.as_ref().and_then(read_degraded);
        Ok(())
    }

    async fn transcribe(&mut self, sound: &[u8]) -> Result<(), Status> {
        let pieces = [TranscribeRequest {
            chunk: Some(Chunk::Audio(sound.to_vec())),
        }];
        let reply = self
            .client
            .transcribe(self.call(tokio_stream::iter(pieces)))
            .await?;
        self.outcome.answers.push(reply.into_inner().transcript);
        Ok(())
    }

    async fn chat(&mut self, turns: usize) -> Result<(), Status> {
        let turns = vec![
            ChatRequest {
                message: "Where is my order?".to_owned()
            };
            turns
        ];
        let mut replies = self
            .client
            .chat(self.call(tokio_stream::iter(turns)))
            .await?
            .into_inner();
        while let Some(reply) = replies.message().await? {
            self.outcome.answers.push(reply.message);
        }
        Ok(())
    }

    async fn play(&mut self, situation: &str) -> Result<(), Status> {
        match situation {
            "answer" => self.process("Will it rain in Oslo tomorrow?", "").await,
            "not-understood" => self.classify("blue ideas sleep furiously").await,
            "fields" => self.process("", "42").await,
            "token-expired" => self.process("Hello", "").await,
            "quota" => {
                for _ in 0..3 {
                    self.classify("Where is my order?").await?;
                }
                Ok(())
            }
            "breaks-off" => {
                self.generate("the sea at night, told in Rust demo:break")
                    .await
            }
            "sound" => self.transcribe(&[1, 2, 3]).await,
            "chat-full" => self.chat(4).await,
            "bug" => self.process("Will it rain? demo:panic", "").await,
            "degraded" => self.process("Will it rain? demo:down", "").await,
            _ => Err(Status::invalid_argument("no such situation")),
        }
    }
}

async fn play(channel: &Channel, situation: &str) -> Outcome {
    let client = AssistantClient::new(channel.clone());
    let (token, outcome) = (token_of(situation), Outcome::default());
    let mut person = Person {
        client,
        token,
        outcome,
    };
    if let Err(status) = person.play(situation).await {
        person.outcome.error = Some(read_error(&status));
    }
    person.outcome
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<ExitCode, Box<dyn std::error::Error>> {
    let (flags, words): (Vec<String>, Vec<String>) = std::env::args()
        .skip(1)
        .partition(|arg| arg.starts_with('-'));
    let (address, chosen) = match words.split_first() {
        Some((address, chosen)) if chosen.iter().all(|s| SITUATIONS.contains(&s.as_str())) => {
            (address, chosen)
        }
        _ => {
            eprintln!(
                "usage: assistant-client [-check] ADDRESS [SITUATION...], of which there are {}",
                SITUATIONS.join(", ")
            );
            return Ok(ExitCode::from(2));
        }
    };
    let channel = Endpoint::from_shared(format!("http://{address}"))?.connect_lazy();
    let all = SITUATIONS.map(str::to_owned);
    let mut all_ok = true;
    for situation in if chosen.is_empty() { &all } else { chosen } {
        let outcome = play(&channel, situation).await;
        if flags.iter().any(|flag| flag == "-check") {
            all_ok &= check::tell(situation, &outcome);
        } else {
            println!("\n{situation}");
            show::show(
                &outcome.answers,
                outcome.mark.as_ref(),
                outcome.error.as_ref(),
            );
        }
    }
    Ok(ExitCode::from(u8::from(!all_ok)))
}
