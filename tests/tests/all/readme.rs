//! The README to the letter: every command in it runs, in its order, on a fresh folder.

use std::{env, fs, path::Path, process::Stdio};

use freshwire_tests::{
    eventually,
    process::binary,
    waiting::{PATIENCE, in_time, saw, trouble},
};
use tempfile::TempDir;
use tokio::process::Command;

const README: &str = include_str!("../../../README.md");
const MAKEFILE: &str = include_str!("../../../Makefile");

/// The lines of all `sh` blocks.
fn commands() -> Vec<&'static str> {
    let blocks = README.split("```sh\n").skip(1).filter_map(|rest| rest.split("```").next());
    blocks.flat_map(str::lines).filter(|line| !line.trim().is_empty()).collect()
}

fn shell(folder: &Path, line: &str) -> Command {
    let path = env::var("PATH").unwrap_or_default();
    let here = binary().parent().unwrap().display().to_string();
    let mut command = Command::new("bash");
    command.args(["-euc", &format!("exec {line}")]).current_dir(folder).env("PATH", format!("{here}:{path}"));
    // The default address may be in use on this machine, so the server picks a port.
    command.env("FRESHWIRE_LISTEN", "127.0.0.1:0").env("FRESHWIRE_ADDR_FILE", folder.join("address"));
    command.stdin(Stdio::null()).kill_on_drop(true);
    command
}

#[tokio::test]
async fn every_command_of_the_readme_does_what_it_says() {
    let folder = TempDir::new().unwrap();
    let mut server = None;
    let mut ran = 0;
    for line in commands() {
        if let Some(target) = line.strip_prefix("make ") {
            assert!(MAKEFILE.contains(&format!("\n{target}:")), "the Makefile has no {target}");
        } else if line == "freshwire serve" {
            let log = fs::File::create(folder.path().join("log")).unwrap();
            let mut started = shell(folder.path(), line).stderr(log).spawn().unwrap();
            eventually("the server listens", async || {
                let log = fs::read_to_string(folder.path().join("log")).unwrap_or_default();
                assert_eq!(started.try_wait().unwrap(), None, "{log}{}", trouble());
                saw(|| log);
                fs::read(folder.path().join("address")).ok()
            })
            .await;
            server = Some(started);
        } else {
            assert!(server.is_some(), "'{line}' comes before the server is started");
            let address = fs::read_to_string(folder.path().join("address")).unwrap();
            let mut command = shell(folder.path(), line);
            command.env("FRESHWIRE_URL", format!("http://{}", address.trim()));
            let output = in_time(2 * PATIENCE, &format!("'{line}' ends"), command.output()).await.unwrap();
            let said = String::from_utf8_lossy(&output.stdout);
            assert!(output.status.success(), "{line}\n{said}\n{}", String::from_utf8_lossy(&output.stderr));
            ran += 1;
        }
    }
    assert!(ran >= 10, "the README's commands were found");
    println!("{ran} commands of the README ran");
}
