//! Goes through the situations of the conformance suite with tonic. GOLDEN_DIR, GOLDEN_ADDR and LIVE_ADDR say where. It
//! writes a line for each situation, and ends with 1 where one has failed.

use std::env;
use std::error::Error;
use std::path::PathBuf;
use std::pin::Pin;
use std::process::ExitCode;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use recourse_errors::{
    Action, DegradedKind, ErrorReport, Outcome, Verdict, Why, read_degraded, read_error,
};
use recourse_errors_conformance::{Wrong, compare, load};
use tokio_stream::StreamExt;
use tonic::body::Body;
use tonic::codegen::Service;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::codegen::http::{HeaderMap, Request as HttpRequest, Response as HttpResponse};
use tonic::metadata::MetadataMap;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Status, Streaming};
use tonic_prost::ProstCodec;

use assistant::assistant_client::AssistantClient;
use assistant::transcribe_request::Chunk;
use assistant::{
    ChatRequest, ClassifyIntentRequest, GenerateRequest, ProcessRequest, TranscribeRequest,
};

mod assistant {
    #![allow(dead_code, clippy::all)]
    include!("../../../../gen/rust/assistant.v1.rs");
}

#[path = "../../../../examples/rust/src/retry.rs"]
mod retry;

const PATIENCE: Duration = Duration::from_secs(120); // for all of it
const DEADLINE: Duration = Duration::from_secs(10); // of a call

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match tokio::time::timeout(PATIENCE, run()).await {
        Ok(Ok(true)) => ExitCode::SUCCESS,
        Ok(Ok(false)) => ExitCode::FAILURE,
        Ok(Err(err)) => {
            eprintln!("{err}");
            ExitCode::FAILURE
        }
        Err(_) => {
            eprintln!("not done after {PATIENCE:?}");
            ExitCode::FAILURE
        }
    }
}

/// Reports whether all went well.
async fn run() -> Result<bool, Wrong> {
    println!(
        "client {}",
        version().ok_or("tonic is not in the lock file")?
    );
    let mut lines = Lines { all_ok: true };
    let replay = dial("GOLDEN_ADDR").await?;
    for file in load(&PathBuf::from(variable("GOLDEN_DIR")?))? {
        let outcome = file.call.outcome();
        lines.tell(
            &format!("file/{}", file.name),
            compare(outcome.as_ref(), &file.report),
        );
        if !file.file_only {
            let outcome = received(&replay, &file.name).await;
            lines.tell(
                &format!("wire/{}", file.name),
                compare(outcome.as_ref(), &file.report),
            );
        }
    }

    let live = Live {
        channel: dial("LIVE_ADDR").await?,
    };
    lines.tell("retry/waits", live.waits("retry/waits").await);
    lines.tell("retry/never", live.never("retry/never").await);
    lines.tell("retry/busy", live.busy("retry/busy").await);
    lines.tell("retry/fields", live.fields("retry/fields").await);
    lines.tell(
        "retry/stream-waits",
        live.stream_waits("retry/stream-waits").await,
    );
    lines.tell("retry/later", live.later("retry/later").await);
    lines.tell(
        "retry/stream-never",
        live.stream_never("retry/stream-never").await,
    );
    lines.tell(
        "error/no-headers",
        live.no_headers("error/no-headers").await,
    );
    lines.tell("error/largest", live.largest("error/largest").await);
    lines.tell("error/bug", live.bug("error/bug").await);
    lines.tell(
        "error/stream-breaks-off",
        live.breaks_off("error/stream-breaks-off").await,
    );
    lines.tell(
        "error/client-stream",
        live.client_stream("error/client-stream").await,
    );
    lines.tell("error/bidi", live.bidi("error/bidi").await);
    lines.tell("answer/degraded", live.degraded("answer/degraded").await);
    lines.tell(
        "answer/stream-degraded",
        live.stream_degraded("answer/stream-degraded").await,
    );
    lines.tell("answer/real", live.real("answer/real").await);
    Ok(lines.all_ok)
}

fn version() -> Option<&'static str> {
    let (_, tonic) =
        include_str!("../../Cargo.lock").split_once("\nname = \"tonic\"\nversion = \"")?;
    tonic.split('"').next()
}

fn variable(name: &str) -> Result<String, Wrong> {
    env::var(name).map_err(|err| format!("{name}: {err}").into())
}

async fn dial(variable_name: &str) -> Result<Channel, Wrong> {
    let address = variable(variable_name)?;
    Ok(Endpoint::from_shared(format!("http://{address}"))?
        .connect()
        .await?)
}

struct Lines {
    all_ok: bool,
}

impl Lines {
    /// Writes what became of a situation, and a note where there is one.
    fn tell(&mut self, situation: &str, ended: Result<impl Note, Wrong>) {
        match ended {
            Ok(note) if note.text().is_empty() => println!("ok {situation}"),
            Ok(note) => println!("ok {situation} # {}", note.text()),
            Err(wrong) => {
                self.all_ok = false;
                let words: Vec<String> = wrong
                    .to_string()
                    .split_whitespace()
                    .map(str::to_owned)
                    .collect();
                println!("not ok {situation} # {}", words.join(" "));
            }
        }
    }
}

trait Note {
    fn text(&self) -> &str;
}

impl Note for () {
    fn text(&self) -> &str {
        ""
    }
}

impl Note for String {
    fn text(&self) -> &str {
        self
    }
}

/// Calls the method that replays a golden file.
async fn received(replay: &Channel, name: &str) -> Result<MetadataMap, Status> {
    let path =
        PathAndQuery::try_from(format!("/recourse.conformance.Golden/{name}")).map_err(unusable)?;
    let mut client = tonic::client::Grpc::new(replay.clone());
    client.ready().await.map_err(unusable)?;
    let reply = client
        .unary(Request::new(()), path, ProstCodec::<(), ()>::default())
        .await?;
    Ok(reply.metadata().clone())
}

fn unusable(err: impl Error) -> Status {
    Status::internal(format!("the call was not made: {err}"))
}

fn expect<T: PartialEq + std::fmt::Debug>(what: &str, got: T, want: T) -> Result<(), Wrong> {
    if got == want {
        Ok(())
    } else {
        Err(format!("{what}: {got:?}, want {want:?}").into())
    }
}

fn failed<T>(ended: Result<T, Status>, error_code: &str) -> Result<ErrorReport, Wrong> {
    let error = read_error(&ended.err().ok_or("the call succeeded")?);
    expect("error code", error.error_code.as_str(), error_code)?;
    Ok(error)
}

/// Reads a stream to its end.
async fn pieces<T>(stream: &mut Streaming<T>) -> (usize, Result<(), Status>) {
    let mut n = 0;
    loop {
        match stream.message().await {
            Ok(Some(_)) => n += 1,
            Ok(None) => return (n, Ok(())),
            Err(status) => return (n, Err(status)),
        }
    }
}

/// The service with recourse.
struct Live {
    channel: Channel,
}

impl Live {
    fn client(&self) -> AssistantClient<Channel> {
        AssistantClient::new(self.channel.clone())
    }

    async fn process(
        &self,
        visit: &str,
        query: &str,
    ) -> Result<tonic::Response<assistant::ProcessResponse>, Status> {
        let message = ProcessRequest {
            query: query.to_owned(),
            ..ProcessRequest::default()
        };
        self.client().process(of_visit(visit, message)).await
    }

    /// How many pieces came, and how the stream ended: that a server may refuse it at once makes no difference.
    async fn generate(
        &self,
        visit: &str,
        prompt: &str,
    ) -> (usize, Result<Option<MetadataMap>, Status>) {
        let message = GenerateRequest {
            prompt: prompt.to_owned(),
            ..GenerateRequest::default()
        };
        let mut stream = match self.client().generate(of_visit(visit, message)).await {
            Ok(response) => response.into_inner(),
            Err(status) => return (0, Err(status)),
        };
        match pieces(&mut stream).await {
            (n, Ok(())) => (n, stream.trailers().await),
            (n, Err(status)) => (n, Err(status)),
        }
    }

    /// How many attempts of a call came, and the milliseconds between the first two.
    async fn attempts(&self, visit: &str) -> Result<(u32, u64), Wrong> {
        let message = ClassifyIntentRequest {
            query: unique(visit),
            ..ClassifyIntentRequest::default()
        };
        let reply = self.client().classify_intent(message).await?.into_inner();
        Ok((reply.intent.parse()?, reply.confidence as u64))
    }

    async fn came_once(&self, visit: &str) -> Result<(), Wrong> {
        expect("attempts", self.attempts(visit).await?.0, 1)
    }

    /// tonic makes one attempt; the error of it has all that a caller needs to repeat it.
    async fn one_attempt<T>(
        &self,
        visit: &str,
        ended: Result<T, Status>,
        want: (&str, Option<u64>),
    ) -> Result<String, Wrong> {
        let error = failed(ended, want.0)?;
        self.came_once(visit).await?;
        expect("code", error.code, Code::Unavailable)?;
        expect("verdict", error.verdict, Verdict::SameRequest)?;
        expect(
            "delay",
            error.retry_delay,
            want.1.map(Duration::from_millis),
        )?;
        let delay = want
            .1
            .map_or("not said".to_owned(), |ms| format!("{ms} ms"));
        Ok(format!(
            "no native retry: {} after one attempt, delay {delay}",
            error.error_code
        ))
    }

    async fn by_hand(&self, visit: &str, attempts: u32, at_least: u64) -> Result<String, Wrong> {
        let (n, between) = self.attempts(visit).await?;
        expect("attempts by hand", n, attempts)?;
        if between < at_least {
            return Err(format!("only {between} ms between the attempts by hand").into());
        }
        Ok(format!(
            "; repeated by hand: {n} attempts, {between} ms between"
        ))
    }

    async fn waits(&self, visit: &str) -> Result<String, Wrong> {
        let note = self
            .one_attempt(
                visit,
                self.process(visit, "waits").await,
                ("MODEL_BUSY", Some(300)),
            )
            .await?;
        let again = format!("{visit}/by-hand");
        retry::repeat(async || self.process(&again, "waits").await).await?;
        Ok(note + &self.by_hand(&again, 2, 300).await?)
    }

    async fn never(&self, visit: &str) -> Result<(), Wrong> {
        let error = failed(
            retry::repeat(async || self.process(visit, "never").await).await,
            "MODEL_OVERLOADED",
        )?;
        expect("verdict", error.verdict, Verdict::Never)?;
        expect("why", error.why, Why::Overloaded)?;
        self.came_once(visit).await
    }

    async fn busy(&self, visit: &str) -> Result<String, Wrong> {
        let note = self
            .one_attempt(
                visit,
                self.process(visit, "busy").await,
                ("MODEL_RESTARTS", None),
            )
            .await?;
        let again = format!("{visit}/by-hand");
        retry::repeat(async || self.process(&again, "busy").await).await?;
        Ok(note + &self.by_hand(&again, 3, 0).await?)
    }

    async fn later(&self, visit: &str) -> Result<(), Wrong> {
        let before = Instant::now();
        let ended = retry::repeat(async || self.process(visit, "later").await).await;
        let error = failed(ended, "MODEL_AWAY")?;
        expect("delay", error.retry_delay, Some(Duration::from_secs(60)))?;
        expect("verdict", error.verdict, Verdict::SameRequest)?;
        if before.elapsed() > Duration::from_secs(5) {
            return Err(format!("the error came after {:?}", before.elapsed()).into());
        }
        self.came_once(visit).await
    }

    async fn fields(&self, visit: &str) -> Result<(), Wrong> {
        fields_invalid(retry::repeat(async || self.process(visit, "fields").await).await)?;
        self.came_once(visit).await
    }

    async fn stream_waits(&self, visit: &str) -> Result<String, Wrong> {
        let (n, ended) = self.generate(visit, "waits").await;
        expect("pieces", n, 0)?;
        let note = self
            .one_attempt(visit, ended, ("MODEL_BUSY", Some(300)))
            .await?;
        let again = format!("{visit}/by-hand");
        let n = retry::repeat(async || {
            let (n, ended) = self.generate(&again, "waits").await;
            ended.map(|_| n)
        });
        expect("pieces", n.await?, 3)?;
        Ok(note + &self.by_hand(&again, 2, 300).await?)
    }

    async fn stream_never(&self, visit: &str) -> Result<(), Wrong> {
        let ended = retry::repeat(async || self.generate(visit, "never").await.1).await;
        failed(ended, "MODEL_OVERLOADED")?;
        self.came_once(visit).await
    }

    async fn no_headers(&self, visit: &str) -> Result<(), Wrong> {
        let first = Arc::new(Mutex::new(HeaderMap::new()));
        let mut client = AssistantClient::new(Noting {
            channel: self.channel.clone(),
            first: first.clone(),
        });
        let message = ProcessRequest {
            query: "never".to_owned(),
            ..ProcessRequest::default()
        };
        failed(
            client.process(of_visit(visit, message)).await,
            "MODEL_OVERLOADED",
        )?;
        let first = first.lock().map_err(|err| err.to_string())?;
        if !first.contains_key("grpc-status") {
            return Err(format!("headers came before the trailers: {first:?}").into());
        }
        Ok(())
    }

    async fn largest(&self, visit: &str) -> Result<(), Wrong> {
        let error = failed(self.process(visit, "largest").await, "ROWS_INVALID")?;
        expect(
            "suggestion",
            error.suggestion.as_str(),
            "Correct the rows and send them again.",
        )?;
        expect("outcome", error.outcome, Outcome::NotApplied)
    }

    async fn bug(&self, visit: &str) -> Result<(), Wrong> {
        let status = self
            .process(visit, "bug")
            .await
            .err()
            .ok_or("the call succeeded")?;
        let everything = format!("{status:?} {}", String::from_utf8_lossy(status.details()));
        if everything.contains("hunter2") {
            return Err("the password arrived".into());
        }
        let error = failed::<()>(Err(status), "ASYNC_UNEXPECTED_FAILED")?;
        expect("code", error.code, Code::Internal)?;
        if error.request_id.is_empty() {
            Err("no request id".into())
        } else {
            Ok(())
        }
    }

    async fn breaks_off(&self, visit: &str) -> Result<(), Wrong> {
        let (n, ended) = self.generate(visit, "breaks-off").await;
        expect("pieces", n, 3)?;
        let error = failed(ended, "TEXT_BROKE_OFF")?;
        expect(
            "nextPosition",
            error.metadata.get("nextPosition").map(String::as_str),
            Some("3"),
        )?;
        self.came_once(visit).await
    }

    async fn client_stream(&self, visit: &str) -> Result<(), Wrong> {
        let texts = ["hello", "fields"].map(|text| TranscribeRequest {
            chunk: Some(Chunk::Text(text.to_owned())),
        });
        fields_invalid(
            self.client()
                .transcribe(of_visit(visit, tokio_stream::iter(texts)))
                .await,
        )
    }

    async fn bidi(&self, visit: &str) -> Result<(), Wrong> {
        let (send, messages) = tokio::sync::mpsc::channel(1);
        let messages =
            tokio_stream::wrappers::ReceiverStream::new(messages).map(|message: &str| {
                ChatRequest {
                    message: message.to_owned(),
                }
            });
        send.send("hello").await?;
        let mut replies = self
            .client()
            .chat(of_visit(visit, messages))
            .await?
            .into_inner();
        expect(
            "answer",
            replies
                .message()
                .await?
                .map(|reply| reply.message)
                .as_deref(),
            Some("hello"),
        )?;
        send.send("fields").await?;
        fields_invalid(replies.message().await)
    }

    async fn degraded(&self, visit: &str) -> Result<(), Wrong> {
        let reply = self.process(visit, "degraded").await?;
        expect("answer", reply.get_ref().answer.as_str(), "attempt 1")?;
        stale(reply.metadata())
    }

    async fn stream_degraded(&self, visit: &str) -> Result<(), Wrong> {
        let (n, ended) = self.generate(visit, "degraded").await;
        let trailers = ended?.ok_or("no trailers")?;
        expect("pieces", n, 3)?;
        stale(&trailers)
    }

    async fn real(&self, visit: &str) -> Result<(), Wrong> {
        let reply = self.process(visit, "hello").await?;
        expect("answer", reply.get_ref().answer.as_str(), "attempt 1")?;
        expect("mark", read_degraded(reply.metadata()), None)
    }
}

/// The server counts the attempts of a visit, whichever run it is of.
fn unique(visit: &str) -> String {
    format!("rust/{}/{visit}", std::process::id())
}

fn of_visit<T>(visit: &str, message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.set_timeout(DEADLINE);
    if let Ok(id) = unique(visit).parse() {
        request.metadata_mut().insert("x-visit", id);
    }
    request
}

fn fields_invalid<T>(ended: Result<T, Status>) -> Result<(), Wrong> {
    let error = failed(ended, "FIELDS_INVALID")?;
    let fields = error
        .actions
        .iter()
        .find_map(|action| match &action.action {
            Some(Action::FixFields(fix)) => {
                Some(fix.fixes.iter().map(|fix| fix.field.as_str()).collect())
            }
            _ => None,
        });
    expect("fields to correct", fields, Some(vec!["query"]))
}

fn stale(trailers: &MetadataMap) -> Result<(), Wrong> {
    let mark = read_degraded(trailers).ok_or("the answer is not marked")?;
    expect("kind", mark.kind, DegradedKind::Stale)?;
    expect("error code", mark.error_code.as_str(), "MODEL_BUSY")?;
    expect(
        "suggestion",
        mark.suggestion.as_str(),
        "This may be out of date.",
    )
}

/// Keeps the first headers of a reply: tonic adds them to the trailers. Those of an error with nothing before it have its
/// status.
struct Noting {
    channel: Channel,
    first: Arc<Mutex<HeaderMap>>,
}

impl Service<HttpRequest<Body>> for Noting {
    type Response = HttpResponse<Body>;
    type Error = tonic::transport::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.channel.poll_ready(context)
    }

    fn call(&mut self, request: HttpRequest<Body>) -> Self::Future {
        let reply = self.channel.call(request);
        let first = self.first.clone();
        Box::pin(async move {
            let reply = reply.await?;
            if let Ok(mut first) = first.lock() {
                first.clone_from(reply.headers());
            }
            Ok(reply)
        })
    }
}
