//! The stream that a log lives in: what it must be like, and how it is made.

use std::time::Duration;

use async_nats::jetstream::{
    self, ErrorCode,
    response::Response,
    stream::{Config, DiscardPolicy, Info, Republish, RetentionPolicy, StorageType},
};
use serde::Serialize;
use uuid::Uuid;

use super::{OpenError, identity::Identity};
use crate::core::{change::Topic, names::LogNumber};

/// How long JetStream knows a message ID again. Repeating an append takes seconds.
const KNOWS_IDS_FOR: Duration = Duration::from_mins(10);
/// Copies of each entry in a cluster of NATS servers; one server alone keeps one.
const COPIES: usize = 3;
/// What the description says before the stream's ID.
const SAYS: &str = "The log of a Freshwire cluster, ID ";

/// What the stream and its subjects are called.
pub(super) struct Names {
    pub(super) stream: String,
    /// Where entries are published: this, a dot, and the topic.
    pub(super) log: String,
    /// Where NATS tells which entries it has stored.
    pub(super) tail: String,
}

/// Why JetStream didn't do what it was asked.
pub(super) enum Unanswered {
    /// It says so.
    Refused(ErrorCode, String),
    /// Nobody answered.
    Silent(String),
}

impl Unanswered {
    pub(super) fn reason(self) -> String {
        match self {
            Self::Refused(_, reason) | Self::Silent(reason) => reason,
        }
    }
}

/// Asks JetStream's API.
pub(super) async fn ask(
    context: &jetstream::Context,
    subject: String,
    body: &impl Serialize,
) -> Result<Info, Unanswered> {
    match context.request(subject, body).await {
        Ok(Response::Ok(info)) => Ok(info),
        Ok(Response::Err { error }) => {
            Err(Unanswered::Refused(error.error_code(), format!("JetStream refuses: {error}")))
        }
        Err(error) => Err(Unanswered::Silent(format!("JetStream doesn't answer: {error}"))),
    }
}

impl Names {
    pub(super) fn of(cluster: &str, subject: impl Fn(&str) -> String) -> Self {
        Self { stream: format!("FRESHWIRE-{cluster}"), log: subject("log"), tail: subject("tail") }
    }

    /// Where a topic's entries are published.
    pub(super) fn subject(&self, topic: &Topic) -> String {
        format!("{}.{topic}", self.log)
    }

    /// The stream as it is now.
    pub(super) async fn info(&self, context: &jetstream::Context) -> Result<Info, Unanswered> {
        ask(context, format!("STREAM.INFO.{}", self.stream), &()).await
    }

    /// Makes the stream where there is none, unless this node knows of one: an empty one in its place would be in the way
    /// of those who bring it back. Nodes that start together may all try: one of theirs stays.
    pub(super) async fn find_or_make(
        &self,
        context: &jetstream::Context,
        known: &Identity,
    ) -> Result<(), OpenError> {
        match self.info(context).await {
            Ok(_) => return Ok(()),
            Err(Unanswered::Refused(code, _)) if code == ErrorCode::STREAM_NOT_FOUND && known.is_known() => {
                return Err(OpenError::NotYet(format!(
                    "stream {} is gone, and this node knows it; {}",
                    self.stream,
                    known.remedy()
                )));
            }
            Err(Unanswered::Refused(code, _)) if code == ErrorCode::STREAM_NOT_FOUND => {}
            Err(other) => return Err(OpenError::NotYet(other.reason())),
        }
        let create = format!("STREAM.CREATE.{}", self.stream);
        for copies in [COPIES, 1] {
            match ask(context, create.clone(), &self.wanted(copies)).await {
                Ok(_) => {
                    tracing::info!(stream = self.stream, copies, "made the stream of the log");
                    return Ok(());
                }
                Err(Unanswered::Refused(code, _)) if code == ErrorCode::STREAM_NAME_EXIST => return Ok(()),
                // A server alone. One of a cluster says something else while the others are missing, which passes.
                Err(Unanswered::Refused(code, _))
                    if code == ErrorCode::STREAM_REPLICAS_NOT_SUPPORTED && copies > 1 => {}
                Err(other) => return Err(OpenError::NotYet(other.reason())),
            }
        }
        Err(OpenError::NotYet("JetStream doesn't take the stream of the log".into()))
    }

    fn wanted(&self, copies: usize) -> Config {
        Config {
            name: self.stream.clone(),
            description: Some(format!("{SAYS}{}", Uuid::new_v4())),
            subjects: vec![format!("{}.>", self.log)],
            retention: RetentionPolicy::Limits,
            storage: StorageType::File,
            num_replicas: copies,
            discard: DiscardPolicy::New,
            max_bytes: -1,
            max_messages: -1,
            max_messages_per_subject: -1,
            max_consumers: -1,
            max_message_size: -1,
            duplicate_window: KNOWS_IDS_FOR,
            deny_delete: true,
            deny_purge: true,
            republish: Some(Republish {
                source: ">".into(),
                destination: format!("{}.>", self.tail),
                headers_only: true,
            }),
            ..Config::default()
        }
    }

    /// What about a stream is not as it must be, each with the remedy; replicas are its operators' business.
    pub(super) fn differences(&self, found: &Config) -> Vec<String> {
        let wanted = self.wanted(found.num_replicas);
        let mut differences = Vec::new();
        let mut check = |field: &str, found: &dyn std::fmt::Debug, wanted: &dyn std::fmt::Debug| {
            let (found, wanted) = (format!("{found:?}"), format!("{wanted:?}"));
            if found != wanted {
                differences.push(format!("its {field} is {found}, and must be {wanted}"));
            }
        };
        // Unlimited is told as 0 by some versions, and as -1 by others.
        let limit = |number: i64| if number <= 0 { -1 } else { number };
        check("subjects", &found.subjects, &wanted.subjects);
        check("retention", &found.retention, &wanted.retention);
        check("storage", &found.storage, &wanted.storage);
        check("discard policy", &found.discard, &wanted.discard);
        check("max_age", &found.max_age, &wanted.max_age);
        check("max_bytes", &limit(found.max_bytes), &-1_i64);
        check("max_msgs", &limit(found.max_messages), &-1_i64);
        check("max_msgs_per_subject", &limit(found.max_messages_per_subject), &-1_i64);
        check("max_msg_size", &limit(found.max_message_size.into()), &-1_i64);
        check("deny_delete", &found.deny_delete, &wanted.deny_delete);
        check("deny_purge", &found.deny_purge, &wanted.deny_purge);
        check("allow_rollup_hdrs", &found.allow_rollup, &wanted.allow_rollup);
        check("no_ack", &found.no_ack, &wanted.no_ack);
        check("sealed", &found.sealed, &wanted.sealed);
        check("mirror", &found.mirror.is_some(), &false);
        check("sources", &found.sources.as_ref().is_some_and(|sources| !sources.is_empty()), &false);
        check("republish", &found.republish, &wanted.republish);
        if found.duplicate_window < KNOWS_IDS_FOR {
            check("duplicate_window", &found.duplicate_window, &KNOWS_IDS_FOR);
        }
        if id(found).is_none() {
            differences.push(format!("its description doesn't begin with '{SAYS}' and an ID"));
        }
        differences
    }
}

/// Which stream it is: a name can be given again.
pub(super) fn id(config: &Config) -> Option<Uuid> {
    config.description.as_ref()?.strip_prefix(SAYS)?.trim().parse().ok()
}

/// The last number of a stream that holds all entries up to it.
pub(super) fn last_number(info: &Info) -> Result<LogNumber, String> {
    let (last, held) = (info.state.last_sequence, info.state.messages);
    if held == last {
        Ok(LogNumber(last))
    } else {
        Err(format!("its last entry is number {last}, but it holds {held} entries: some are lost"))
    }
}
