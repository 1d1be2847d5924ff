//! `health`: whether a balancer should send a server pages. For container engines, which have no other client at hand.

use serde_json::Value;

use super::{Console, Trouble};
use crate::core::time::Period;

/// Asks one server, with no token.
pub async fn ask(console: &Console) -> Result<(), Trouble> {
    let answer = console.client()?.readiness().await?;
    let ready = answer["ready"] == true;
    if !console.printed_json(&answer) && ready {
        Console::say(format!("{} is ready", answer["node"].as_str().unwrap_or("the server")));
        for but in buts(&answer) {
            Console::say(format!("but {but}"));
        }
    }
    if ready { Ok(()) } else { Err(Trouble::Failed(format!("not ready: {}", reason(&answer)))) }
}

fn reason(answer: &Value) -> &str {
    answer["reason"].as_str().unwrap_or("it doesn't say why")
}

/// What is not well with a server that takes pages all the same.
fn buts(answer: &Value) -> Vec<String> {
    let mut buts = Vec::new();
    if let Some(trouble) = answer["log_trouble"].as_str() {
        let age = Period::secs(answer["log_age_ms"].as_u64().unwrap_or(0) / 1_000);
        buts.push(format!("its log has been away for {age}, and changes are refused: {trouble}"));
    }
    for (topic, number) in answer["frozen"].as_object().into_iter().flatten() {
        let what = match topic.strip_prefix("app.") {
            Some(app) => format!("the app {app} is"),
            None => format!("{topic} are"),
        };
        buts.push(format!(
            "{what} frozen at entry {number} of the log; what this node has logged says what to do"
        ));
    }
    let others = answer["disagrees"].as_array().into_iter().flatten();
    let others: Vec<_> = others.filter_map(Value::as_str).collect();
    if !others.is_empty() {
        let others = others.join(", ");
        buts.push(format!(
            "it has made something else of the same log than {others}: compare their versions"
        ));
    }
    buts
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_not_well_is_said_beside_ready() {
        assert_eq!(buts(&json!({"ready": true, "node": "a"})), Vec::<String>::new());
        let said = buts(&json!({"ready": true, "log_trouble": "no answer yet", "log_age_ms": 61_200,
            "frozen": {"app.web": 12, "tokens": 14}, "disagrees": ["b", "c"]}));
        assert_eq!(said[0], "its log has been away for 1m1s, and changes are refused: no answer yet");
        assert!(said[1].starts_with("the app web is frozen at entry 12 "), "{said:?}");
        assert!(said[2].starts_with("tokens are frozen at entry 14 "), "{said:?}");
        assert!(said[3].contains("than b, c:"), "{said:?}");
    }
}
