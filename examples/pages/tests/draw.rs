//! The drawing of a census over time.
#![allow(clippy::unwrap_used, reason = "a panic is a test's report")]

use std::{
    io::Write,
    process::{Command, Output, Stdio},
};

use serde_json::{Value, json};

fn census(second: u32, rows: &[(&str, u32)]) -> Value {
    let rows: Vec<_> = rows
        .iter()
        .map(|(build, sessions)| json!({"build": build, "version": "1.0.0", "sessions": sessions}))
        .collect();
    json!({"as_of": format!("2026-01-31T12:00:{second:02}.000Z"), "rows": rows})
}

fn draw(samples: &[Value]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_freshwire-draw"))
        .args(["--title", "Old & new"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it was built");
    let mut input = child.stdin.take().expect("it is piped");
    for sample in samples {
        writeln!(input, "{sample}").expect("it reads");
    }
    drop(input);
    child.wait_with_output().expect("it ran")
}

#[test]
fn pages_are_stacked_by_build_the_oldest_at_the_bottom() {
    let samples = [
        census(0, &[("old", 10)]),
        census(5, &[("new", 4), ("old", 6)]),
        census(10, &[("new", 10), ("old", 0)]),
    ];
    let output = draw(&samples);
    let svg = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{svg}");
    assert!(svg.contains("Old &amp; new"), "{svg}");
    // 880 units are 10 seconds, and 300 are 10 pages: the old ones fall from all to six to none.
    assert!(svg.contains("M56.0 364.0H56.0V64.0H496.0V184.0H936.0V364.0H936V364Z"), "{svg}");
    // Behind them the stack of both stays at ten.
    let (new, old) = (svg.find("V64.0H496.0V64.0").unwrap(), svg.find("V184.0").unwrap());
    assert!(new < old, "{svg}");
}

#[test]
fn there_is_no_drawing_of_nothing() {
    let output = draw(&[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stderr).unwrap().contains("no census"));
}
