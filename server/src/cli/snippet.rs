//! `snippet`: what to paste into an app. It asks no server, so it works before there is one.

use clap::Args;
use reqwest::Url;
use serde_json::json;

use super::{Console, OfApp, client::is_loopback, terminal::Terminal};

/// What `snippet` takes.
#[derive(Args, Debug)]
pub struct SnippetArgs {
    #[command(flatten)]
    of: OfApp,
    /// The build that its HTML is to carry
    #[arg(long, default_value = "BUILD")]
    build: String,
}

/// What each part of the policy is for.
const OF_THE_POLICY: &str = "('self' in connect-src: before a page is moved it looks at its own document. In script-src: the app's own \
                             scripts; leave it out there where nonces or hashes allow those.)";

/// What to paste, and where.
struct Snippet {
    html: String,
    script_src: String,
    connect_src: String,
    release: String,
}

/// Prints it.
pub fn print(console: &Console, args: &SnippetArgs) {
    let app = args.of.app.as_str();
    let snippet = Snippet::new(&console.globals.url, app, &args.build);
    if console.printed_json(&json!({
        "html": snippet.html,
        "csp": {"script-src": snippet.script_src, "connect-src": snippet.connect_src},
        "release": snippet.release,
    })) {
        return;
    }
    let heading = |text: &str| console.terminal.paint(text, super::terminal::BOLD);
    let text = format!(
        "{}\n{}\n\n{}\nscript-src {}; connect-src {}\n{OF_THE_POLICY}\n\n{}\n{}\n",
        heading("In the <head> of every HTML document, with BUILD and VERSION filled in by the build:"),
        snippet.html,
        heading("If the app sends a Content-Security-Policy, it must allow this:"),
        snippet.script_src,
        snippet.connect_src,
        heading(
            "At the end of the pipeline, once every server serves the new build (with a token of scope release \
                 in FRESHWIRE_TOKEN):"
        ),
        snippet.release,
    );
    Terminal::print(&text);
    if is_loopback(&console.globals.url) {
        let elsewhere = format!("freshwire snippet {app} --url https://fresh.example.com");
        console
            .terminal
            .complain("note", &format!("this is for pages on this machine; for others: {elsewhere}"));
    }
}

impl Snippet {
    fn new(url: &Url, app: &str, build: &str) -> Self {
        let base = url.as_str().trim_end_matches('/');
        let origin = url.origin().ascii_serialization();
        let socket = origin.replacen("http", "ws", 1);
        let build = build.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;");
        Self {
            html: format!(
                "<meta name=\"freshwire-build\" content=\"{build}\">\n\
                 <script src=\"{base}/freshwire.js\" data-app=\"{app}\" data-version=\"VERSION\" async></script>"
            ),
            // Before a page is moved it looks at its own document. A directive also takes the place of default-src, which
            // in most policies is 'self'.
            connect_src: format!("'self' {origin} {socket}"),
            script_src: format!("'self' {origin}"),
            release: format!(
                "freshwire release {app} --url {base} --build \"$BUILD\" --version \"$VERSION\" \\\n  \
                 --by \"$(git log -1 --format=%an)\" --message \"$(git log -1 --format=%s)\" \\\n  \
                 --committed-at \"$(git log -1 --format=%cI)\""
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_snippet_names_the_server_in_all_its_guises() {
        let snippet = Snippet::new(&"https://fresh.example.com:8443/".parse().unwrap(), "web", "3f9c2ab");
        assert!(snippet.html.contains(r#"<meta name="freshwire-build" content="3f9c2ab">"#));
        assert!(
            snippet
                .html
                .contains(r#"<script src="https://fresh.example.com:8443/freshwire.js" data-app="web""#)
        );
        assert_eq!(snippet.connect_src, "'self' https://fresh.example.com:8443 wss://fresh.example.com:8443");
        assert_eq!(snippet.script_src, "'self' https://fresh.example.com:8443");
        assert!(
            snippet.release.starts_with("freshwire release web --url https://fresh.example.com:8443 --build")
        );
    }
}
