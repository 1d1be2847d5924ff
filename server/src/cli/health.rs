//! `health`: whether a balancer should send a server pages. For container engines, which have no other client at hand.

use super::{Console, Trouble};

/// Asks one server, with no token.
pub async fn ask(console: &Console) -> Result<(), Trouble> {
    let answer = console.client()?.readiness().await?;
    let ready = answer["ready"] == true;
    if !console.printed_json(&answer) && ready {
        Console::say(format!("{} is ready", answer["node"].as_str().unwrap_or("the server")));
    }
    if ready { Ok(()) } else { Err(Trouble::Failed(format!("not ready: {}", reason(&answer)))) }
}

fn reason(answer: &serde_json::Value) -> &str {
    answer["reason"].as_str().unwrap_or("it doesn't say why")
}
