//! The HTTP client of the operators' API.

use std::{error::Error as _, io, net::IpAddr, time::Duration};

use reqwest::{Method, StatusCode, Url, header};
use serde_json::Value;
use tokio::time::timeout;
use uuid::Uuid;

use super::trouble::Trouble;
use crate::api::answers::Problem;

/// Time for a connection to stand.
const CONNECT: Duration = Duration::from_secs(5);
/// Time for an answer: longer than the server itself waits for its log.
const ANSWER: Duration = Duration::from_secs(30);
/// Time for what is long.
const LONG: Duration = Duration::from_hours(1);
/// Time for a stream of events: as long as it comes, but a time there must be.
const ENDLESS: Duration = Duration::from_hours(365 * 24);
/// Pauses before a change whose fate isn't known is sent again under the same key.
const PAUSES: [Duration; 2] = [Duration::from_millis(250), Duration::from_secs(1)];
/// Most that one page of a list holds.
const PAGE: usize = 1000;

/// Asks one server as one operator.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    base: Url,
    token: Option<header::HeaderValue>,
}

/// One change, as it is sent.
#[derive(Clone, Debug)]
pub struct Call<'a> {
    /// PUT, POST or DELETE.
    pub method: Method,
    /// Path segments after `/v1`.
    pub path: Vec<&'a str>,
    /// JSON; none for calls without one.
    pub body: Option<Value>,
    /// Only asks what it would do.
    pub dry_run: bool,
    /// The app's last number, as the operator knows it.
    pub if_match: Option<u64>,
    /// The server remembers its key, so that sending it again can't do it twice.
    pub repeatable: bool,
}

impl Client {
    /// A client of the server at `base`. Loopback addresses are asked directly, whatever proxy there is.
    pub fn new(base: Url, token: Option<&str>) -> Result<Self, Trouble> {
        let builder = reqwest::Client::builder()
            .user_agent(concat!("freshwire/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT)
            .timeout(ANSWER)
            .redirect(reqwest::redirect::Policy::none());
        let builder = if is_loopback(&base) { builder.no_proxy() } else { builder };
        let http = builder.build().map_err(|error| Trouble::Usage(format!("can't set up TLS: {error}")))?;
        let token = token.map(bearer).transpose()?;
        Ok(Self { http, base, token })
    }

    /// Reads one thing.
    pub async fn get(&self, path: &[&str], query: &[(String, String)]) -> Result<Value, Trouble> {
        let request = self.request(Method::GET, path, query);
        let answer = request.send().await.map_err(|error| self.unreachable(&error))?;
        self.read(answer, app_of(path)).await
    }

    /// What `/readyz` answers, ready or not.
    pub async fn readiness(&self) -> Result<Value, Trouble> {
        let mut url = self.base.clone();
        url.path_segments_mut().expect("an http URL has a path").pop_if_empty().push("readyz");
        let answer = self.http.get(url).send().await.map_err(|error| self.unreachable(&error))?;
        let status = answer.status();
        let answer: Option<Value> = answer.json().await.ok();
        answer.filter(|answer| answer["ready"].is_boolean()).ok_or_else(|| Trouble::Strange {
            url: self.name(),
            why: format!("its answer ({status}) doesn't say whether it is ready"),
        })
    }

    /// Begins to read a stream of events that doesn't end by itself, after the event that was seen last.
    pub async fn follow(
        &self,
        path: &[&str],
        last_event: Option<&str>,
    ) -> Result<reqwest::Response, Trouble> {
        let mut request = self.request(Method::GET, path, &[]).timeout(ENDLESS);
        // Beside JSON, which is what a refusal is.
        request = request.header(header::ACCEPT, "text/event-stream");
        if let Some(id) = last_event {
            request = request.header("last-event-id", id);
        }
        let answer = timeout(ANSWER, request.send()).await;
        let late = |_| Trouble::Unreachable { url: self.name(), cause: "no answer in time".to_owned() };
        let answer = answer.map_err(late)?.map_err(|error| self.unreachable(&error))?;
        let kind = answer.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        if answer.status().is_success() && kind.is_some_and(|kind| kind.starts_with("text/event-stream")) {
            return Ok(answer);
        }
        self.read(answer, app_of(path)).await?;
        Err(Trouble::Strange { url: self.name(), why: "its answer is not a stream of events".to_owned() })
    }

    /// What a stream of events ended with.
    pub fn broken(&self, error: &reqwest::Error) -> Trouble {
        self.unreachable(error)
    }

    /// Reads a list, page after page up to `limit` items, as one answer whose `next` is that of the last page.
    pub async fn list(
        &self,
        path: &[&str],
        query: &[(String, String)],
        array: &str,
        limit: usize,
    ) -> Result<Value, Trouble> {
        let mut whole: Option<Value> = None;
        let mut cursor: Option<String> = None;
        loop {
            let had = whole.as_ref().and_then(|whole| whole[array].as_array()).map_or(0, Vec::len);
            let mut query = query.to_vec();
            query.push(("limit".into(), (limit - had).min(PAGE).to_string()));
            query.extend(cursor.take().map(|cursor| ("cursor".to_owned(), cursor)));
            let mut page = self.get(path, &query).await?;
            let items = page[array].as_array().map_or(0, Vec::len);
            cursor = page["next"].as_str().map(str::to_owned);
            if let Some(whole) = whole.take()
                && let (Some(items), Some(before)) = (page[array].as_array_mut(), whole[array].as_array())
            {
                items.splice(0..0, before.iter().cloned());
            }
            // An empty page ends it too: no cursor can lead us round in circles.
            if cursor.is_none() || items == 0 || had + items >= limit {
                return Ok(page);
            }
            whole = Some(page);
        }
    }

    /// Begins to read something long.
    pub async fn download(&self, path: &[&str]) -> Result<reqwest::Response, Trouble> {
        let request = self.request(Method::GET, path, &[]).timeout(LONG);
        let answer = request.send().await.map_err(|error| self.unreachable(&error))?;
        if answer.status().is_success() {
            return Ok(answer);
        }
        self.read(answer, None).await?;
        Err(Trouble::Strange { url: self.name(), why: "it refuses without a reason".to_owned() })
    }

    /// Sends lines of JSON.
    pub async fn upload(
        &self,
        path: &[&str],
        query: &[(String, String)],
        lines: Vec<u8>,
    ) -> Result<Value, Trouble> {
        let request = self.request(Method::POST, path, query).timeout(LONG);
        let request = request.header(header::CONTENT_TYPE, "application/jsonl").body(lines);
        let answer = request.send().await.map_err(|error| self.unreachable(&error))?;
        self.read(answer, None).await
    }

    /// Makes a change, or asks what it would do. It carries an idempotency key, and is sent again under the same
    /// key when the connection breaks or the server can't tell yet what became of it.
    pub async fn change(&self, call: &Call<'_>) -> Result<Value, Trouble> {
        let key = Uuid::new_v4().to_string();
        let mut pauses = PAUSES.into_iter().take(if call.repeatable { PAUSES.len() } else { 0 });
        let mut doubt = None;
        loop {
            let trouble = match self.send(call, &key).await {
                Ok(answer) => return Ok(answer),
                Err(trouble) => trouble,
            };
            // That nothing came of this try says nothing of the one before.
            let trouble = match doubt.take() {
                Some(before) if nobody_answers(&trouble) => before,
                _ => trouble,
            };
            match pauses.next() {
                Some(pause) if fate_unknown(&trouble) => {
                    doubt = Some(trouble);
                    tokio::time::sleep(pause).await;
                }
                _ => return Err(trouble),
            }
        }
    }

    async fn send(&self, call: &Call<'_>, key: &str) -> Result<Value, Trouble> {
        let query = call.dry_run.then(|| ("dry_run".to_owned(), "true".to_owned()));
        let mut request = self.request(call.method.clone(), &call.path, query.as_slice());
        // Calls that forget their keys take no condition beside one.
        if call.repeatable || call.if_match.is_none() {
            request = request.header("idempotency-key", key);
        }
        if let Some(number) = call.if_match {
            request = request.header(header::IF_MATCH, number);
        }
        if let Some(body) = &call.body {
            request = request.json(body);
        }
        let app = app_of(&call.path);
        let answer = request.send().await.map_err(|error| {
            if error.is_connect() || call.dry_run {
                self.unreachable(&error)
            } else {
                self.undecided(&error, app)
            }
        })?;
        self.read(answer, app).await
    }

    fn request(&self, method: Method, path: &[&str], query: &[(String, String)]) -> reqwest::RequestBuilder {
        let mut url = self.base.clone();
        url.path_segments_mut().expect("an http URL has a path").pop_if_empty().push("v1").extend(path);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let request = self.http.request(method, url);
        match &self.token {
            Some(token) => request.header(header::AUTHORIZATION, token.clone()),
            None => request,
        }
    }

    async fn read(&self, answer: reqwest::Response, app: Option<&str>) -> Result<Value, Trouble> {
        let status = answer.status();
        let strange = |why: String| Trouble::Strange { url: self.name(), why };
        let bytes = answer.bytes().await.map_err(|error| {
            if status.is_success() { self.undecided(&error, app) } else { self.unreachable(&error) }
        })?;
        if status == StatusCode::NO_CONTENT {
            return Ok(Value::Null);
        }
        let answer: Value = serde_json::from_slice(&bytes)
            .map_err(|_| strange(format!("its answer ({status}) is not JSON")))?;
        if status.is_success() {
            return Ok(answer);
        }
        match serde_json::from_value::<Problem>(answer.clone()) {
            Ok(problem) => {
                Err(Trouble::Refused { problem: Box::new(problem), app: app.map(str::to_owned), answer })
            }
            Err(_) => Err(strange(format!("it says {status}"))),
        }
    }

    fn unreachable(&self, error: &reqwest::Error) -> Trouble {
        Trouble::Unreachable { url: self.name(), cause: cause(error) }
    }

    fn undecided(&self, error: &reqwest::Error, app: Option<&str>) -> Trouble {
        Trouble::Undecided { url: self.name(), cause: cause(error), app: app.map(str::to_owned) }
    }

    fn name(&self) -> String {
        self.base.as_str().trim_end_matches('/').to_owned()
    }
}

/// An answer as its type.
pub fn typed<T: serde::de::DeserializeOwned>(answer: &Value) -> Result<T, Trouble> {
    T::deserialize(answer).map_err(|error| Trouble::Strange {
        url: "the server".to_owned(),
        why: format!("its answer has another shape than this version of freshwire knows: {error}"),
    })
}

/// The URL is of this machine.
pub fn is_loopback(url: &Url) -> bool {
    url.host_str().is_some_and(|host| {
        let host = host.trim_start_matches('[').trim_end_matches(']');
        host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
    })
}

fn bearer(token: &str) -> Result<header::HeaderValue, Trouble> {
    let mut value = header::HeaderValue::from_str(&format!("Bearer {token}"))
        .map_err(|_| Trouble::Usage("the token has characters that no token has".to_owned()))?;
    value.set_sensitive(true);
    Ok(value)
}

fn app_of<'a>(path: &[&'a str]) -> Option<&'a str> {
    match path {
        ["apps", app, ..] => Some(app),
        _ => None,
    }
}

fn fate_unknown(trouble: &Trouble) -> bool {
    match trouble {
        Trouble::Undecided { .. } => true,
        Trouble::Refused { problem, .. } => problem.status == 503 && problem.decided == Some(false),
        _ => false,
    }
}

/// What is asked for can't be done now, whatever it is.
fn nobody_answers(trouble: &Trouble) -> bool {
    match trouble {
        Trouble::Unreachable { .. } => true,
        Trouble::Refused { problem, .. } => problem.status == 503,
        _ => false,
    }
}

/// The innermost cause: 'connection refused' rather than 'error sending request'.
fn cause(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "no answer in time".to_owned();
    }
    let mut inner = error.source();
    let mut text = error.to_string();
    while let Some(source) = inner {
        text = match source.downcast_ref::<io::Error>().map(io::Error::kind) {
            Some(io::ErrorKind::ConnectionRefused) => return "connection refused".to_owned(),
            Some(io::ErrorKind::ConnectionReset) => return "connection reset".to_owned(),
            _ => source.to_string(),
        };
        inner = source.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::TcpListener,
    };

    use super::*;

    #[test]
    fn loopback_is_told_by_the_address() {
        let loopback = |url: &str| is_loopback(&url.parse().unwrap());
        assert!(["http://127.0.0.1:1", "http://localhost", "http://[::1]:3774"].into_iter().all(loopback));
        assert!(!["https://fresh.example.com", "http://127.example.com"].into_iter().any(loopback));
    }

    #[test]
    fn names_are_escaped_in_paths_and_a_prefix_is_kept() {
        let client = Client::new("https://example.com/fresh/".parse().unwrap(), Some("secret")).unwrap();
        let query = [("label.k".to_owned(), "a&b".to_owned())];
        let request =
            client.request(Method::GET, &["apps", "web", "releases", "a/b?c"], &query).build().unwrap();
        let url = "https://example.com/fresh/v1/apps/web/releases/a%2Fb%3Fc?label.k=a%26b";
        assert_eq!(request.url().as_str(), url);
        assert!(!format!("{client:?}").contains("secret"));
    }

    /// A status and a body; None: the connection ends without an answer.
    type Answer = Option<(&'static str, &'static str)>;

    const UNDECIDED: Answer = Some((
        "503 Unavailable",
        r#"{"type":"unavailable","title":"t","status":503,"detail":"d","decided":false}"#,
    ));
    const AWAY: Answer = Some((
        "503 Unavailable",
        r#"{"type":"unavailable","title":"t","status":503,"detail":"d","decided":true}"#,
    ));

    #[tokio::test]
    async fn a_change_whose_fate_is_unknown_is_sent_again_under_its_key() {
        let answers = [None, UNDECIDED, Some(("200 OK", r#"{"number":7}"#))];
        let (changed, keys) = change_answered(answers.into()).await;
        assert_eq!(changed.unwrap()["number"], 7);
        assert!(keys.len() == 3 && keys.iter().all(|key| *key == keys[0]), "{keys:?}");
    }

    #[tokio::test]
    async fn a_later_try_that_comes_to_nothing_leaves_an_earlier_one_in_doubt() {
        let (changed, keys) = change_answered(vec![UNDECIDED, AWAY, AWAY]).await;
        assert!(fate_unknown(&changed.unwrap_err()));
        assert_eq!(keys.len(), 3);
        let (changed, keys) = change_answered(vec![AWAY]).await;
        assert!(!fate_unknown(&changed.unwrap_err()));
        assert_eq!(keys.len(), 1, "nothing was in doubt");
    }

    /// What a change comes to that is answered so, and the keys that it was sent under.
    async fn change_answered(answers: Vec<Answer>) -> (Result<Value, Trouble>, Vec<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
        let server = tokio::spawn(async move {
            let mut keys = Vec::new();
            for answer in answers {
                let (mut socket, _) = listener.accept().await.unwrap();
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    head.push(socket.read_u8().await.unwrap());
                }
                let head = String::from_utf8(head).unwrap();
                keys.push(head.lines().find(|line| line.starts_with("idempotency-key")).unwrap().to_owned());
                if let Some((status, body)) = answer {
                    let length = body.len();
                    let head =
                        format!("HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n");
                    socket.write_all((head + body).as_bytes()).await.unwrap();
                }
            }
            keys
        });
        let client = Client::new(base, None).unwrap();
        let call = Call {
            method: Method::DELETE,
            path: vec!["apps", "web", "minimum"],
            body: None,
            dry_run: false,
            if_match: None,
            repeatable: true,
        };
        (client.change(&call).await, server.await.unwrap())
    }
}
