//! Asking an origin which build it serves.

use std::{error::Error as _, sync::Arc, time::Duration};

use reqwest::{Client, Url, header, redirect};
use tokio::sync::Semaphore;

use super::{
    address::{self, PublicOnly},
    document::build_of,
};
use crate::core::names::{AppName, BuildId};

/// How long an origin gets for its whole answer.
const WITHIN: Duration = Duration::from_secs(5);
/// So much of an answer is read, in bytes: a page that a server renders with its data in it may well be a megabyte, and
/// with as many under way as may be it is 64 MiB in all.
const READ: usize = 2 << 20;
/// Most redirects that are followed.
const REDIRECTS: usize = 4;
/// Most probes under way at a time.
const AT_ONCE: usize = 32;

/// Asks origins.
pub struct Origins {
    client: Result<Client, String>,
    private_too: bool,
    turns: Semaphore,
}

impl Origins {
    /// One that goes to private addresses too, or doesn't.
    pub fn new(private_too: bool) -> Self {
        let builder = Client::builder()
            .user_agent(concat!("freshwire/", env!("CARGO_PKG_VERSION")))
            .timeout(WITHIN)
            .no_proxy()
            // Each time another connection: behind a balancer the next one may end at another server.
            .pool_max_idle_per_host(0)
            .redirect(redirect::Policy::custom(move |attempt| follow(attempt, private_too)));
        let builder = if private_too { builder } else { builder.dns_resolver(Arc::new(PublicOnly)) };
        let client = builder.build().map_err(|error| format!("this server can't set up TLS: {error}"));
        Self { client, private_too, turns: Semaphore::new(AT_ONCE) }
    }

    /// A probe's URL as it is kept, or why it can't be one.
    pub fn check(&self, url: &str) -> Result<Url, String> {
        address::check(url, self.private_too)
    }

    /// The build that an origin serves for an app, or what is wrong with its answer.
    pub async fn ask(&self, app: &AppName, url: &str) -> Result<BuildId, String> {
        let client = self.client.as_ref().map_err(Clone::clone)?;
        // It may have been set while private addresses were allowed.
        let url = self.check(url)?;
        let _turn = self.turns.acquire().await.map_err(|_| "the server is stopping".to_owned())?;
        let asking = client
            .get(url)
            .header(header::ACCEPT, "application/json, text/html;q=0.9, */*;q=0.1")
            .header(header::CACHE_CONTROL, "no-cache")
            .header(header::CONNECTION, "close");
        let mut answer = asking.send().await.map_err(|error| cause(&error))?;
        if answer.status() != reqwest::StatusCode::OK {
            return Err(format!("it answers {}", answer.status()));
        }
        let (mut body, mut cut) = (Vec::new(), false);
        while let Some(chunk) = answer.chunk().await.map_err(|error| cause(&error))? {
            let room = READ - body.len();
            body.extend_from_slice(&chunk[..chunk.len().min(room)]);
            // A mark stands near the beginning, however long the rest is.
            cut = chunk.len() > room;
            if cut {
                break;
            }
        }
        // To read so much HTML takes a while, in which the answers of the other origins come.
        let app = app.clone();
        let read = tokio::task::spawn_blocking(move || build_of(&body, &app)).await;
        let build = read.unwrap_or_else(|error| Err(format!("its answer can't be read: {error}")));
        let of_what = if cut {
            format!("; of its answer the first {} MiB were read", READ >> 20)
        } else {
            String::new()
        };
        build.map_err(|why| why + &of_what)
    }
}

/// An origin may send us to another of its pages, never to another host.
fn follow(attempt: redirect::Attempt<'_>, private_too: bool) -> redirect::Action {
    let Some(from) = attempt.previous().last() else { return attempt.stop() };
    let to = attempt.url();
    let host = |url: &Url| url.host_str().unwrap_or_default().to_owned();
    let same_port = from.port() == to.port();
    let wrong = if attempt.previous().len() > REDIRECTS {
        Some(format!("it redirects more than {REDIRECTS} times"))
    } else if host(from) != host(to) || !same_port {
        Some(format!("it redirects to another host, {}", host(to)))
    } else if from.scheme() == "https" && to.scheme() != "https" {
        Some("it redirects from https to http".to_owned())
    } else {
        address::refuse_private(to).err().filter(|_| !private_too)
    };
    match wrong {
        Some(why) => attempt.error(why),
        None => attempt.follow(),
    }
}

/// The innermost cause: 'connection refused' rather than 'error sending request'.
fn cause(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return format!("no answer within {WITHIN:?}");
    }
    let mut text = error.to_string();
    let mut inner = error.source();
    while let Some(source) = inner {
        text = source.to_string();
        inner = source.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_name_is_looked_up_by_us_on_every_connection() {
        // Past the check of the URL: only what the name stands for can stop it.
        let client = Origins::new(false).client.expect("TLS");
        let refused = client.get("http://localhost:9/").send().await.expect_err("it leads inside");
        assert!(cause(&refused).contains("--probe-private"), "{refused:?}");
    }
}
