//! How the core's text types look in OpenAPI.

use std::borrow::Cow;

use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, Type},
};

use crate::core::{
    names::{AppName, BuildId, InstanceName, LogNumber, Need, PushTopic, SessionId},
    order::Version,
    time::{Moment, Period},
};

macro_rules! text_schema {
    ($type:ty, $name:literal, $description:literal, $example:literal) => {
        impl PartialSchema for $type {
            fn schema() -> RefOr<Schema> {
                let object = ObjectBuilder::new().schema_type(Type::String).description(Some($description));
                object.examples([$example]).into()
            }
        }

        impl ToSchema for $type {
            fn name() -> Cow<'static, str> {
                $name.into()
            }
        }
    };
}

text_schema!(AppName, "AppName", "A slug of a-z, 0-9 and '-', at most 64 characters.", "web");
text_schema!(BuildId, "BuildId", "The opaque ID that a page carries.", "3f9c2ab");
text_schema!(PushTopic, "PushTopic", "What a push is about: at most 64 printable characters.", "flags");
text_schema!(
    Need,
    "Need",
    "Something server-side that a build relies on: at most 128 bytes, no spaces.",
    "route.legacy-import"
);
text_schema!(
    InstanceName,
    "InstanceName",
    "A running back end: at most 128 printable characters.",
    "api-7f9c"
);
text_schema!(SessionId, "SessionId", "A UUID.", "0f8fad5b-d9cb-469f-a165-70867728950e");
text_schema!(Version, "Version", "A semantic version.", "2.4.1");
text_schema!(Moment, "Moment", "RFC 3339, UTC.", "2026-01-31T12:00:00.000Z");
text_schema!(Period, "Period", "A duration.", "30m");

impl PartialSchema for LogNumber {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new().schema_type(Type::Integer).description(Some("A position in the log.")).into()
    }
}

impl ToSchema for LogNumber {
    fn name() -> Cow<'static, str> {
        "LogNumber".into()
    }
}
