//! The stories under `examples/`, run as a reader would run them: each proves itself what it shows.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use freshwire_tests::{descendants::end_with_descendants, process::binary, waiting::trouble};
use tempfile::TempDir;
use tokio::{process::Command, time::timeout};

/// An example ends by itself within a minute; beside all other tests it may take longer.
const LASTS: Duration = Duration::from_mins(3);

/// The repository's examples.
fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples")
}

/// Runs an example in a folder of its own, and says what it printed.
async fn run(story: &str, folder: &TempDir) -> String {
    let programs = binary().parent().expect("a folder").to_owned();
    let simulator = programs.join("freshwire-pages");
    assert!(simulator.exists(), "{} is not built: run 'cargo build -p freshwire-pages'", simulator.display());
    let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap_or_default());
    let (out, err) = (folder.path().join("out"), folder.path().join("err"));
    let file = |path: &Path| fs::File::create(path).expect("a file for what it says");
    let mut child = Command::new("bash")
        .arg(examples().join(story).join("run.sh"))
        .current_dir(folder.path())
        .env("PATH", path)
        .stdin(Stdio::null())
        .stdout(file(&out))
        .stderr(file(&err))
        .kill_on_drop(true)
        .spawn()
        .expect("bash starts");
    let ended = timeout(LASTS, child.wait()).await;
    if ended.is_err() {
        end_with_descendants(&mut child).await;
    }
    let text = |path: &Path| fs::read_to_string(path).expect("a text");
    let (said, complained) = (text(&out), text(&err));
    let Ok(ended) = ended else { panic!("{story} didn't end in {LASTS:?}\n{said}\n{complained}") };
    let ended = ended.expect("it ran");
    assert!(ended.success(), "{story}: {ended}\n{said}\n{complained}{}", trouble());
    said
}

async fn tells(story: &str, claims: &[&str]) {
    let folder = TempDir::new().expect("a temporary folder");
    let said = run(story, &folder).await;
    for claim in claims {
        assert!(said.contains(claim), "{story} doesn't say '{claim}':\n{said}");
    }
}

#[tokio::test]
async fn revisions_are_shut_down_gracefully_and_by_force() {
    tells("revisions", &["ok: revision a71be0c is gone", "ok: all 40 pages are on the current revision"])
        .await;
}

#[tokio::test]
async fn blue_green_switches_and_rolls_back() {
    tells("blue-green", &["were left alone", "ok: all 30 pages are on blue"]).await;
}

#[tokio::test]
async fn a_route_is_deleted_when_no_open_page_calls_it() {
    let claims = ["ok: the gate is closed", "ok: every open page finds what it needs on every back end"];
    tells("deprecate-a-route", &claims).await;
}

#[tokio::test]
async fn a_feature_flag_is_switched_and_deleted() {
    let claims =
        ["ok: six pages had it first", "ok: the gate is closed", "ok: nobody asks for the flag any more"];
    tells("feature-flag", &claims).await;
}

#[tokio::test]
async fn a_rolling_deployment_settles_by_itself_and_is_drawn() {
    let folder = TempDir::new().expect("a temporary folder");
    let said = run("rolling", &folder).await;
    assert!(said.contains("ok: settling it now is refused") && said.contains("rollout  settle"), "{said}");
    let svg = std::fs::read_to_string(folder.path().join("rolling.svg")).expect("the drawing");
    for drawn in ["1.0.0 (01dcafe)", "2.0.0 (2ebbeef)", "back-4 is new", "the last old page is gone"] {
        assert!(svg.contains(drawn), "{drawn} is missing: {svg}");
    }
}

#[tokio::test]
async fn a_security_fix_reaches_every_open_tab() {
    let claims = ["ok: 40 pages run the hole", "- **moved**: 40 of 40", "ok: nobody runs the hole any more"];
    tells("security-fix", &claims).await;
}
