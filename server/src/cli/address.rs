//! The server's address on the command line. One that can't be used is not quoted: it may hold a password, and
//! pipelines keep what is printed.

use std::ffi::OsStr;

use clap::{Arg, Command, Error, builder::TypedValueParser, error::ErrorKind};
use reqwest::Url;

/// Where a server listens that was told nothing else.
pub(super) const DEFAULT_URL: &str = "http://127.0.0.1:3774";

/// Reads the address of a server from an argument.
#[derive(Clone)]
pub(super) struct ServerUrl;

impl TypedValueParser for ServerUrl {
    type Value = Url;

    fn parse_ref(&self, command: &Command, _: Option<&Arg>, value: &OsStr) -> Result<Url, Error> {
        server_url(&value.to_string_lossy()).map_err(|why| {
            Error::raw(ErrorKind::ValueValidation, format!("--url or FRESHWIRE_URL: {why}\n"))
                .with_cmd(command)
        })
    }
}

/// A server's address without what is of no use in it.
///
/// # Errors
///
/// Why it is none, with an example.
pub(super) fn server_url(text: &str) -> Result<Url, String> {
    let mut url: Url = text.parse().map_err(|error| format!("{error}; a URL is such as {DEFAULT_URL}"))?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err(format!("a server's URL is such as {DEFAULT_URL}"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("a server's URL has no user and no password; use a token".to_owned());
    }
    url.set_query(None);
    url.set_fragment(None);
    Ok(url)
}
