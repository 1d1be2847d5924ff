//! The golden frames, which the snippet's tests read too.

use std::{
    borrow::Cow,
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use freshwire::core::{
    assets::Swap,
    change::{Action, Severity},
    frames::{Hello, LARGEST, Notice, PageFrame, ServerFrame, Target},
    judge::{Standing, Why},
    names::{BuildId, LogNumber, PushTopic, SessionId},
    order::Version,
    push::PushData,
};
use serde_json::{Value, json};

/// Fields of golden frames that pages know already and that this server never sends.
const NOT_YET_SENT: [(&str, &[&str]); 1] = [("notice-full.json", &["snooze_ms", "text"])];
/// Fields that this server always sends and that pages can do without, as the golden frame does.
const ALWAYS_SENT: [(&str, &[&str]); 1] = [("notice-minimal.json", &["severity"])];

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/frames").join(name)
}

/// The frames of a folder, not of the folders in it.
fn golden(name: &str) -> BTreeMap<String, String> {
    let files = fs::read_dir(folder(name)).unwrap().map(|file| file.unwrap().path());
    let files: BTreeMap<_, _> = files
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .map(|path| {
            (path.file_name().unwrap().to_str().unwrap().to_owned(), fs::read_to_string(path).unwrap())
        })
        .collect();
    assert!(!files.is_empty(), "{name} has frames");
    files
}

#[test]
fn every_golden_frame_of_a_page_is_understood() {
    for (name, text) in golden("page") {
        let frame = PageFrame::parse(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_ne!(frame, PageFrame::Unknown, "{name}");
        assert!(text.len() <= LARGEST, "{name}");
    }
}

#[test]
fn the_full_hello_is_understood_to_the_last_field() {
    let PageFrame::Hello(hello) = PageFrame::parse(&golden("page")["hello-full.json"]).unwrap() else {
        panic!("a hello");
    };
    let Hello { app, build, version, session, resume, via, labels, page, seen, pushed, after, .. } = *hello;
    assert_eq!((app.as_str(), build.as_str()), ("web", "3f9c2ab"));
    assert_eq!(version.unwrap().to_string(), "2.4.1");
    assert_eq!(session.unwrap().to_string(), "6f1c2b9e-3d7a-4c58-9a41-0b6f7d2e8c13");
    assert_eq!((resume.as_deref(), via.as_deref()), (Some("p7Yw0cG1sJx4b2Qe9TzKfA"), Some("node-a")));
    assert_eq!((labels.len(), labels["note"].len()), (8, 64));
    assert_eq!(page.holds, ["draft"]);
    assert_eq!(seen.iter().map(|seen| seen.run.0).collect::<Vec<_>>(), [42, 41]);
    assert_eq!((pushed, after.unwrap().tries), (Some(LogNumber(77)), 1));
}

#[test]
fn every_bad_frame_is_refused() {
    for (name, text) in golden("page/bad") {
        assert!(PageFrame::parse(&text).is_err(), "{name}");
    }
}

#[test]
fn words_of_newer_pages_are_no_reason_to_turn_them_away() {
    for (name, text) in golden("page/ignored") {
        assert!(PageFrame::parse(&text).is_ok(), "{name}");
    }
}

#[test]
fn the_server_says_its_golden_frames() {
    let build: BuildId = "ba318c8ccd".parse().unwrap();
    let better: BuildId = "c0ffee1".parse().unwrap();
    let version: Version = "2.5.0".parse().unwrap();
    let session = SessionId("6f1c2b9e-3d7a-4c58-9a41-0b6f7d2e8c13".parse().unwrap());
    let current = Some(Target { build: &build, version: Some(&version) });
    let welcome = |standing, current| ServerFrame::Welcome {
        session,
        resume: Cow::Borrowed("p7Yw0cG1sJx4b2Qe9TzKfA"),
        node: "node-a",
        standing,
        why: None,
        current,
    };
    let (swap, preload) = (
        [Swap { from: "/assets/app.1.css".into(), to: "/assets/app.2.css".into() }],
        ["/assets/app.2.js".to_owned()],
    );
    let minimal = Notice {
        notice: LogNumber(43),
        run: LogNumber(43),
        step: 0,
        action: Action::Navigate,
        target: Target { build: &build, version: None },
        severity: Severity::Normal,
        reason: None,
        countdown_ms: None,
        hold_cap_ms: None,
        swap: &[],
        preload: &[],
    };
    let countdown = Notice {
        notice: LogNumber(44),
        run: LogNumber(46),
        step: 1,
        action: Action::Countdown,
        target: Target { build: &build, version: Some(&version) },
        severity: Severity::Security,
        reason: Some("CVE-2026-1234"),
        countdown_ms: Some(300_000),
        hold_cap_ms: Some(600_000),
        ..minimal
    };
    let full = Notice {
        notice: LogNumber(42),
        run: LogNumber(42),
        step: 0,
        action: Action::Prompt,
        swap: &swap,
        preload: &preload,
        ..countdown
    };
    let topic: PushTopic = "flags".parse().unwrap();
    let data = PushData(json!({"new_checkout": true, "limit": 25}));
    let said = BTreeMap::from([
        ("better.json", ServerFrame::Better { build: better.as_str(), better: true }),
        ("notice-countdown.json", ServerFrame::Notice(countdown)),
        ("notice-full.json", ServerFrame::Notice(full)),
        ("notice-minimal.json", ServerFrame::Notice(minimal)),
        ("notice-swap.json", ServerFrame::Notice(full)),
        ("pong.json", ServerFrame::Pong),
        ("push.json", ServerFrame::Push { push: LogNumber(77), topic: &topic, data: &data }),
        ("reconnect.json", ServerFrame::Reconnect { in_ms: 1234 }),
        ("standing-current.json", ServerFrame::Standing { standing: Standing::Current, why: None, current }),
        (
            "standing.json",
            ServerFrame::Standing { standing: Standing::Unsupported, why: Some(Why::Minimum), current },
        ),
        ("welcome-no-current.json", welcome(Standing::Unknown, None)),
        ("welcome.json", welcome(Standing::Stale, current)),
        ("withdraw.json", ServerFrame::Withdraw { notice: LogNumber(42) }),
    ]);
    for (name, text) in golden("server") {
        let frame = said.get(name.as_str()).unwrap_or_else(|| panic!("{name} is said by nobody"));
        let (mut golden, mut ours): (Value, Value) =
            (serde_json::from_str(&text).unwrap(), serde_json::from_str(&frame.encode()).unwrap());
        leave_out(&mut golden, &NOT_YET_SENT, &name);
        leave_out(&mut ours, &ALWAYS_SENT, &name);
        assert_eq!(ours, golden, "{name}");
    }
}

/// Leaves a file's fields out of its frame, which must have them.
fn leave_out(frame: &mut Value, fields: &[(&str, &[&str])], name: &str) {
    let of_it = fields.iter().filter(|(file, _)| *file == name).flat_map(|(_, fields)| *fields);
    for field in of_it {
        assert!(frame.as_object_mut().unwrap().remove(*field).is_some(), "{name} has {field}");
    }
}
