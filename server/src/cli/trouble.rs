//! What can go wrong for an operator, what to do about it, and the exit code.

use std::{fmt::Write as _, process::ExitCode};

use serde_json::Value;

use crate::api::answers::Problem;

/// Why a command didn't do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// The server refused, and says why.
    #[error("{}", detail(.problem))]
    Refused {
        /// Its words.
        problem: Box<Problem>,
        /// The app that it is about.
        app: Option<String>,
        /// The answer as it came.
        answer: Value,
    },
    /// No answer.
    #[error("can't reach {url}: {cause}")]
    Unreachable {
        /// Where it was looked for.
        url: String,
        /// As the system says it.
        cause: String,
    },
    /// The connection broke after a change was sent, and repeating it didn't help.
    #[error("the connection to {url} broke, and whether the change was made isn't known: {cause}")]
    Undecided {
        /// Where it was sent.
        url: String,
        /// As the system says it.
        cause: String,
        /// The app that it is about.
        app: Option<String>,
    },
    /// Something else than Freshwire answered, or another version of it.
    #[error("{url} doesn't answer as a Freshwire server: {why}")]
    Strange {
        /// Who answered.
        url: String,
        /// In what way.
        why: String,
    },
    /// The command's words or files can't be used.
    #[error("{0}")]
    Usage(String),
    /// Something that was needed isn't so.
    #[error("{0}")]
    Failed(String),
    /// A gate did not open in time.
    #[error("{said}")]
    NotReached {
        /// What still keeps it shut.
        said: String,
        /// The command's words that show who.
        who: Vec<String>,
    },
    /// The operator said no.
    #[error("nothing was changed")]
    Declined,
}

impl Trouble {
    /// For the shell: 1 refused or failed, 2 usage, 3 gate not reached in time, 4 can't reach the server.
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::Refused { .. } | Self::Strange { .. } | Self::Failed(_) | Self::Declined => 1,
            Self::Usage(_) => 2,
            Self::NotReached { .. } => 3,
            Self::Unreachable { .. } | Self::Undecided { .. } => 4,
        })
    }

    /// The next thing to do, where there is one to name.
    pub fn advice(&self) -> Option<Advice> {
        let see_whether = |app: Option<&str>| {
            let text = "see whether it is there, and repeat it if not";
            Advice::with(text, app.map_or(vec!["token", "list"], |app| vec!["log", app]))
        };
        match self {
            Self::Refused { problem, app, .. } => advice(problem, app.as_deref(), see_whether),
            Self::Unreachable { .. } => Some(Advice::only(
                "name the server with --url or FRESHWIRE_URL, or start one here: freshwire serve",
            )),
            Self::Undecided { app, .. } => Some(see_whether(app.as_deref())),
            Self::Strange { .. } => Some(Advice::only(
                "name the operators' address with --url or FRESHWIRE_URL (the pages' listener may be another)",
            )),
            Self::NotReached { who, .. } => {
                Some(Advice::with("see who is left", who.iter().map(String::as_str)))
            }
            Self::Usage(_) | Self::Failed(_) | Self::Declined => None,
        }
    }
}

/// What to do next, with the command's words where there is one.
#[derive(Debug, PartialEq, Eq)]
pub struct Advice {
    /// In words.
    pub text: String,
    /// After `freshwire`.
    pub command: Option<Vec<String>>,
}

impl Advice {
    fn only(text: impl Into<String>) -> Self {
        Self { text: text.into(), command: None }
    }

    fn with<'a>(text: impl Into<String>, command: impl IntoIterator<Item = &'a str>) -> Self {
        Self { text: text.into(), command: Some(command.into_iter().map(str::to_owned).collect()) }
    }
}

fn detail(problem: &Problem) -> String {
    let text = if problem.detail.is_empty() { &problem.title } else { &problem.detail };
    let mut text = text.clone();
    if let Some(field) = &problem.field
        && !text.contains(field.as_str())
    {
        let _ = write!(text, " (in {field})");
    }
    text
}

fn advice(
    problem: &Problem,
    app: Option<&str>,
    see_whether: impl Fn(Option<&str>) -> Advice,
) -> Option<Advice> {
    let word = problem.kind.rsplit(['/', ':', '#']).next().unwrap_or_default();
    Some(match (word, app) {
        ("unauthorized", _) => Advice::only(
            "give a token that is valid: FRESHWIRE_TOKEN or --token-file FILE; the first admin token stands in the \
             server's data folder: freshwire-data/admin-token",
        ),
        ("forbidden", _) => Advice::only(
            "use a token of a wider scope, or for this app; an admin makes one: freshwire token create NAME --scope \
             read|release|operate|admin",
        ),
        ("locks-everyone-out", Some(app)) => Advice::with("see which releases there are", ["releases", app]),
        ("out-of-order", _) => Advice::only("repeat it with --anyway if that is what you want"),
        ("log-moved", Some(app)) => {
            let number =
                problem.number.map(|number| format!(" with --if-match {number}")).unwrap_or_default();
            Advice::with(format!("see what has changed, then repeat it{number}"), ["log", app])
        }
        ("log-moved", None) => Advice::with("see what has changed, then decide anew", ["token", "list"]),
        ("unavailable", _) if problem.decided == Some(false) => see_whether(app),
        ("unavailable", _) => Advice::only("nothing was changed; repeat it once that is mended"),
        ("not-found", _) if problem.detail.contains("--ops-listen") => {
            Advice::only("name the operators' address with --url or FRESHWIRE_URL")
        }
        // A detail that names a command says what to do better than we could.
        ("not-found", _) if !problem.detail.contains("freshwire ") => {
            Advice::with("see what there is", app.map_or(vec!["apps"], |app| vec!["releases", app]))
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::names::LogNumber;

    #[test]
    fn a_refusal_says_what_is_wrong_where_and_what_to_do() {
        let refused = |word: &str, field: Option<&str>| Trouble::Refused {
            problem: Box::new(Problem {
                kind: format!("/problems/{word}"),
                title: "No".into(),
                status: 409,
                detail: "it can't be so".into(),
                field: field.map(Into::into),
                decided: None,
                number: Some(LogNumber(9)),
                close: None,
            }),
            app: Some("web".into()),
            answer: Value::Null,
        };
        assert_eq!(
            refused("invalid", Some("steps[0].after")).to_string(),
            "it can't be so (in steps[0].after)"
        );
        let advice = |word| refused(word, None).advice().unwrap();
        assert!(advice("log-moved").text.contains("--if-match 9"));
        assert_eq!(advice("log-moved").command.unwrap(), ["log", "web"]);
        assert!(advice("out-of-order").text.contains("--anyway"));
        assert_eq!(advice("locks-everyone-out").command.unwrap(), ["releases", "web"]);
        assert!(advice("unauthorized").text.contains("admin-token"));
        assert_eq!(refused("conflict", None).advice(), None);
    }
}
