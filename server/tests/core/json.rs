//! Entries survive their store: what is written is what is read.

use std::collections::BTreeMap;

use freshwire::core::{
    change::{AppChange, Change, Draft, Entry, Floor, NewRelease, Organic, Request, Settings, Terms},
    judge::Standing,
    names::{AppName, BuildId, LogNumber, PushTopic},
    order::{Order, Version},
    pace::Pace,
    push::{NewPush, PushData},
    select::Select,
    time::{LONGEST, Moment, Period},
    token::{Scope, Token, TokenChange},
};
use proptest::prelude::*;
use serde_json::{Value, json};
use uuid::Uuid;

use super::story::{any_action, any_pace, any_release, any_terms, any_version, cases};

fn any_name() -> impl Strategy<Value = AppName> {
    "[a-z0-9-]{1,64}".prop_map(|text| text.parse().expect("a slug"))
}

fn any_build_id() -> impl Strategy<Value = BuildId> {
    "[!-'*-~][!-~]{0,127}".prop_map(|text| text.parse().expect("printable"))
}

fn any_moment() -> impl Strategy<Value = Moment> {
    (-62_135_596_800_000..253_402_200_000_000_i64).prop_map(Moment)
}

fn any_length() -> impl Strategy<Value = Period> {
    (0..=LONGEST.0).prop_map(Period)
}

fn any_number() -> impl Strategy<Value = LogNumber> {
    any::<u64>().prop_map(LogNumber)
}

fn any_settings() -> impl Strategy<Value = Settings> {
    let order = prop::option::of(prop::sample::select(&[Order::Version, Order::Release][..]));
    let texts = || prop::collection::vec(".{0,20}", 0..3);
    let organic = (any::<u32>(), any_length()).prop_map(|(pages, lasting)| Organic { pages, lasting });
    (order, texts(), any_action(), any::<u32>(), texts(), prop::option::of(organic)).prop_map(
        |(order, allowed_origins, stale_action, refresh_rate, probes, organic)| Settings {
            order,
            allowed_origins,
            stale_action,
            refresh_rate,
            probes,
            organic,
        },
    )
}

fn any_full_release() -> impl Strategy<Value = NewRelease> {
    let texts = (prop::option::of(".*"), prop::option::of(".*"));
    let some = || prop::collection::vec(".*", 0..3);
    let needs = prop::collection::vec("[!-~]{1,64}", 0..3);
    let lists = (needs, prop::collection::btree_map(".*", ".*", 0..3), some());
    (any_release(), any_build_id(), texts, lists, prop::option::of(any_moment()), any_pace()).prop_map(
        |(release, build, (by, message), (needs, assets, preload), committed_at, pace)| NewRelease {
            build,
            by,
            message,
            needs: needs.iter().map(|need| need.parse().expect("a need")).collect(),
            assets,
            preload,
            committed_at,
            pace,
            ..release
        },
    )
}

fn any_long_terms() -> impl Strategy<Value = Terms> {
    (any_terms(), any_length())
        .prop_map(|(terms, over)| Terms { pace: Pace { over, ..terms.pace.clone() }, ..terms })
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<i32>().prop_map(|number| Value::from(f64::from(number) / 8.0)),
        ".*".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(".*", inner, 0..4)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

fn any_push() -> impl Strategy<Value = AppChange> {
    let labels = prop::collection::btree_map(".{0,8}", ".{0,8}", 0..3);
    let standing = prop::option::of(prop::sample::select(&[Standing::Stale, Standing::Unknown][..]));
    let select = (labels, standing, prop::option::of(any_build_id()))
        .prop_map(|(labels, standing, build)| Select { labels, standing, build });
    ("[!-~]{1,64}", select, any_json(), any_length(), any_length()).prop_map(
        |(topic, select, data, over, expires)| {
            let topic: PushTopic = topic.parse().expect("a topic");
            AppChange::Push(NewPush { topic, select, data: PushData(data), over, expires })
        },
    )
}

fn any_app_change() -> impl Strategy<Value = AppChange> {
    let floor = prop_oneof![any_version().prop_map(Floor::Version), any_build_id().prop_map(Floor::Build)];
    prop_oneof![
        any_settings().prop_map(AppChange::Settings),
        any_full_release().prop_map(|new| AppChange::Release(Box::new(new))),
        (any_build_id(), any_pace(), prop::option::of(".*"))
            .prop_map(|(build, pace, reason)| AppChange::Settle { build, pace, reason }),
        (any_build_id(), prop::option::of(".*"), any_long_terms())
            .prop_map(|(build, reason, terms)| AppChange::Current { build, reason, terms }),
        (floor, ".*", any_long_terms()).prop_map(|(floor, reason, terms)| AppChange::Minimum {
            floor,
            reason,
            terms
        }),
        Just(AppChange::MinimumUndo),
        (any_build_id(), ".*", any_long_terms()).prop_map(|(build, reason, terms)| AppChange::Retire {
            build,
            reason,
            terms
        }),
        any_build_id().prop_map(|build| AppChange::Reinstate { build }),
        (any_number(), any_number(), ".*", any::<bool>())
            .prop_map(|(campaign, run, reason, brake)| { AppChange::Pause { campaign, run, reason, brake } }),
        (any_number(), any_number(), any::<u8>(), ".*")
            .prop_map(|(campaign, run, wave, reason)| { AppChange::Proven { campaign, run, wave, reason } }),
        (any_number(), prop::option::of(".*"))
            .prop_map(|(campaign, reason)| AppChange::Abort { campaign, reason }),
        (any_number(), prop::option::of(".*"))
            .prop_map(|(campaign, reason)| AppChange::Resume { campaign, reason }),
        any_push(),
    ]
}

fn any_token_change() -> impl Strategy<Value = TokenChange> {
    let scope = prop::sample::select(&[Scope::Read, Scope::Release, Scope::Operate, Scope::Admin][..]);
    let limits = (prop::option::of(any_name()), prop::option::of(any_moment()));
    let id = any::<u128>().prop_map(Uuid::from_u128);
    prop_oneof![
        (id.clone(), ".*", scope, limits, "[0-9a-f]{64}").prop_map(
            |(id, name, scope, (app, expires_at), hash)| {
                TokenChange::Create(Token { id, name, scope, app, expires_at, hash })
            }
        ),
        id.prop_map(TokenChange::Revoke),
    ]
}

pub fn any_draft() -> impl Strategy<Value = Draft> {
    let change = prop_oneof![
        5 => (any_name(), any_app_change()).prop_map(|(app, change)| Change::App { app, change }),
        1 => any_token_change().prop_map(Change::Token),
    ];
    let request = prop::option::of((".*", ".*").prop_map(|(key, hash)| Request { key, hash }));
    (any::<u128>(), any_moment(), ".*", any_number(), request, change).prop_map(
        |(id, at, actor, prev, request, change)| Draft {
            id: Uuid::from_u128(id),
            at,
            actor,
            prev,
            request,
            change,
        },
    )
}

proptest! {
    #![proptest_config(cases(500))]

    #[test]
    fn what_is_written_is_what_is_read(draft in any_draft(), number in any_number()) {
        let entry = Entry { number, draft };
        let text = serde_json::to_string(&entry).expect("JSON");
        prop_assert_eq!(&serde_json::from_str::<Entry>(&text).expect(&text), &entry);
        let value = serde_json::to_value(&entry).expect("JSON");
        prop_assert_eq!(&serde_json::from_value::<Entry>(value).expect(&text), &entry);
        let text = serde_json::to_string(&entry.draft).expect("JSON");
        prop_assert_eq!(serde_json::from_slice::<Draft>(text.as_bytes()).expect(&text), entry.draft);
    }

    #[test]
    fn an_entry_of_an_unknown_kind_is_not_read_as_another(draft in any_draft(), kind in "[a-z_]{1,12}") {
        let mut value = serde_json::to_value(&draft).expect("JSON");
        let fields = value.as_object_mut().expect("an object");
        if let Some(app) = fields.get_mut("app") {
            prop_assume!(!KINDS.contains(&kind.as_str()));
            app["kind"] = json!(kind);
        } else {
            let token = fields["token"].as_object_mut().expect("an object");
            prop_assume!(kind != "create" && kind != "revoke");
            let (_, was) = token.clone().into_iter().next().expect("one kind");
            *token = [(kind, was)].into_iter().collect();
        }
        prop_assert!(serde_json::from_value::<Draft>(value).is_err());
    }
}

const KINDS: [&str; 11] = [
    "settings",
    "release",
    "settle",
    "current",
    "minimum",
    "minimum_undo",
    "retire",
    "reinstate",
    "pause",
    "resume",
    "push",
];

fn example(change: &Value) -> Value {
    let mut entry = json!({
        "number": 3,
        "id": "00000000-0000-0000-0000-000000000001",
        "at": "2024-05-06T07:08:09.123Z",
        "actor": "ada",
        "prev": 2,
    });
    let fields = entry.as_object_mut().expect("an object");
    fields.extend(change.as_object().expect("an object").clone());
    entry
}

#[test]
fn the_form_of_every_kind_of_entry_is_fixed() {
    let terms = json!({"over": "1m", "steps": [{"after": "0s", "action": "prompt"}, {"after": "30m", "action": "force"}], "hold_cap": "10m"});
    let forms = [
        json!({"kind": "settings", "order": "version", "allowed_origins": ["https://a.example"], "stale_action": "prompt", "refresh_rate": 9}),
        json!({"kind": "release", "build": "3f9c2ab", "version": "2.4.1+x", "severity": "security", "rolling": true, "anyway": false, "over": "0s"}),
        json!({"kind": "settle", "build": "3f9c2ab", "over": "1m30s"}),
        json!({"kind": "current", "build": "3f9c2ab", "reason": "worse", "terms": terms}),
        json!({"kind": "minimum", "floor": {"version": "2.4.1"}, "reason": "CVE", "terms": terms}),
        json!({"kind": "minimum", "floor": {"build": "3f9c2ab"}, "reason": "CVE", "terms": terms}),
        json!({"kind": "minimum_undo"}),
        json!({"kind": "retire", "build": "3f9c2ab", "reason": "bad", "terms": terms}),
        json!({"kind": "reinstate", "build": "3f9c2ab"}),
        json!({"kind": "pause", "campaign": 1, "run": 2, "reason": "too fast"}),
        json!({"kind": "resume", "campaign": 1}),
        json!({"kind": "push", "topic": "flags", "data": {"limit": 25, "kind": "x", "app": null}, "expires": "1h"}),
        json!({"kind": "push", "topic": "flags", "data": 1, "over": "5m", "expires": "1h",
            "select": {"labels": {"tenant": "acme"}, "standing": "stale", "build": "3f9c2ab"}}),
    ];
    for mut form in forms {
        form["app"] = json!("web");
        let kind = form["kind"].clone();
        let entry = example(&json!({ "app": form }));
        let read: Entry =
            serde_json::from_value(entry.clone()).unwrap_or_else(|error| panic!("{kind}: {error}"));
        assert_eq!(serde_json::to_value(&read).expect("JSON"), entry, "{kind}");
    }
    let revoke = example(&json!({"token": {"revoke": "00000000-0000-0000-0000-000000000002"}}));
    let read: Entry = serde_json::from_value(revoke.clone()).expect("an entry");
    assert_eq!(serde_json::to_value(&read).expect("JSON"), revoke);
}

#[test]
fn entries_about_nothing_or_of_unknown_topics_are_not_read() {
    for change in
        [json!({}), json!({"push": {"app": "web", "kind": "minimum_undo"}}), json!({"app": {"app": "web"}})]
    {
        assert!(serde_json::from_value::<Entry>(example(&change)).is_err(), "{change}");
    }
}

#[test]
fn names_that_could_not_have_been_accepted_are_not_read_either() {
    for (app, build) in [("Web", "b1"), ("", "b1"), ("web", ""), ("web", "b 1"), ("web", "(others)")] {
        let change = json!({"app": {"app": app, "kind": "reinstate", "build": build}});
        assert!(serde_json::from_value::<Entry>(example(&change)).is_err(), "{change}");
    }
    let good = json!({"app": {"app": "web", "kind": "reinstate", "build": "b1"}});
    assert!(serde_json::from_value::<Entry>(example(&good)).is_ok());
    let _: BTreeMap<BuildId, Version> =
        serde_json::from_value(json!({"b1": "1.0.0"})).expect("keys of a map");
}
