//! The operators' API as the demo asks it: over HTTP, as any pipeline would.

use std::time::Duration;

use freshwire::api::answers::Problem;
use reqwest::{Client, Method, RequestBuilder};
use serde::{Serialize, de::DeserializeOwned};

/// The demo's app.
pub const APP: &str = "shop";

/// Whoever holds a token.
pub struct Operator {
    client: Client,
    url: String,
    token: String,
}

/// Why a call came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// The server said no, and why.
    #[error("{}", .0.detail)]
    Refused(Box<Problem>),
    /// The server could not be asked.
    #[error("the server can't be asked: {0}")]
    Away(#[from] reqwest::Error),
}

impl Operator {
    /// Asks the server at this URL with this token.
    pub fn new(url: &str, token: &str) -> Self {
        let client = Client::builder()
            .no_proxy()
            .timeout(Duration::from_secs(10))
            .build()
            .expect("a client without TLS files of its own can be built");
        Self { client, url: url.to_owned(), token: token.to_owned() }
    }

    /// Reads something of the app; `path` begins with a slash or is empty.
    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, CallError> {
        self.answer(self.request(Method::GET, &format!("/v1/apps/{APP}{path}"))).await
    }

    /// Changes something; `path` is from the root.
    pub async fn send<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: &(impl Serialize + Sync),
    ) -> Result<T, CallError> {
        self.answer(self.request(method, path).json(body)).await
    }

    /// Changes something of the app.
    pub async fn change<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: &(impl Serialize + Sync),
    ) -> Result<T, CallError> {
        self.send(method, &format!("/v1/apps/{APP}{path}"), body).await
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.url)).bearer_auth(&self.token)
    }

    async fn answer<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T, CallError> {
        let response = request.send().await?;
        if response.status().is_success() {
            Ok(response.json().await?)
        } else {
            Err(CallError::Refused(Box::new(response.json().await?)))
        }
    }
}
