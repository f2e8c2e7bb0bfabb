//! Says to a person what became of a call.

use recourse_errors::{Action, Actor, DegradedReport, ErrorReport};

/// The texts of a report are safe to print; an answer is the server's own.
pub fn show(answers: &[String], mark: Option<&DegradedReport>, error: Option<&ErrorReport>) {
    if !answers.is_empty() {
        let answers: Vec<&str> = answers.iter().map(|a| a.trim()).collect();
        println!("  {:?}", answers.join(" "));
    }
    if let Some(mark) = mark {
        println!(
            "  This is not the real answer ({:?}). {}",
            mark.kind, mark.suggestion
        );
    }
    let Some(error) = error else { return };
    println!(
        "  Failed: {} [{}]\n  {}",
        error.message, error.error_code, error.suggestion
    );
    for action in &error.actions {
        let by = match action.actor() {
            Actor::CallerCode => ", by this program's developers",
            Actor::Admin => ", by your administrator",
            Actor::ServiceOwner => ", by the people who run the service",
            _ => "",
        };
        println!("  - {}{by}", action.label);
        if let Some(Action::FixFields(fields)) = &action.action {
            fields
                .fixes
                .iter()
                .for_each(|fix| println!("      {}: {}", fix.field, fix.reason));
        }
    }
    if let Some(delay) = error.retry_delay {
        println!("  Not before {} s.", delay.as_secs_f64().ceil());
    }
    if !error.request_id.is_empty() {
        println!("  Request id: {}", error.request_id);
    }
}
