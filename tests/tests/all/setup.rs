//! `scripts/setup` on machines made of programs that only tell their version: what is missing, too old, or something else
//! is named at once, before anything is built.

use std::{fs, os::unix::fs::PermissionsExt, path::Path, process::Output};

use tempfile::TempDir;
use tokio::process::Command;

/// What the script itself is written with.
const SHELL: &str = "awk bash cat cut df dirname grep head id sed sleep sort timeout touch";
/// What each program says, in a version that will do.
const PROGRAMS: [(&str, &str); 17] = [
    ("caddy", "2.6.2"),
    ("cargo-clippy", "clippy 0.1.95"),
    ("cargo-nextest", "cargo-nextest 0.9.143"),
    ("cargo-itself", "cargo 1.95.0"),
    ("cc", "cc (Debian 12.2.0-14) 12.2.0"),
    ("chromium", "Chromium 148.0.7778.167 built on Debian"),
    ("curl", "curl 7.88.1 (x86_64-pc-linux-gnu)"),
    ("faketime", "\nfaketime: Version 0.9.10"),
    ("firefox", "Mozilla Firefox 140.12.0esr"),
    ("haproxy", "HAProxy version 2.6.12-1 2023/12/16"),
    ("nats-server", "nats-server: v2.9.10"),
    ("nginx", "nginx version: nginx/1.22.1"),
    ("node", "v20.19.0"),
    ("npm", "10.8.2"),
    ("openssl", "OpenSSL 3.0.19 27 Jan 2026"),
    ("rustc", "rustc 1.95.0 (59807616e 2026-04-14)"),
    ("sqlite3", "3.40.1 2022-12-28 14:03:47 df5c253c"),
];

/// A machine without apt, whose user is not root.
struct Machine {
    folder: TempDir,
}

impl Machine {
    /// It has everything.
    fn new() -> Self {
        let machine = Self { folder: TempDir::new().unwrap() };
        for name in SHELL.split(' ') {
            let found = std::env::var("PATH")
                .unwrap()
                .split(':')
                .map(|folder| Path::new(folder).join(name))
                .find(|path| path.exists());
            std::os::unix::fs::symlink(found.unwrap(), machine.path(name)).unwrap();
        }
        for (name, version) in PROGRAMS {
            machine.says(name, version);
        }
        machine.does(
            "cargo",
            r#"case $1 in --version) exec "$0-itself" ;; fmt) echo 'rustfmt 1.9.0'; exit ;; esac
[ -e "$0-$1" ] && exec "$0-$1"; echo "error: no such command: $1""#,
        );
        machine
            .does("Xvfb", "if [ \"$1\" = -help ]; then echo '-displayfd fd'; else echo 7; exec sleep 60; fi");
        let browser = machine.path("MiniBrowser");
        machine.says("MiniBrowser", "WebKitGTK 2.50.6");
        machine.does("driver", &format!("# {}", browser.display()));
        machine.says("df", "Filesystem 1M-blocks Used Available\n/dev/vda 90000 10000 80000");
        machine.user(1000);
        machine
    }

    fn path(&self, program: &str) -> std::path::PathBuf {
        self.folder.path().join(program)
    }

    /// In place of what was there, which may be a link to a real program.
    fn does(&self, program: &str, script: &str) {
        let path = self.path(program);
        self.lacks(program);
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn says(&self, program: &str, words: &str) {
        self.does(program, &format!("echo '{words}'"));
    }

    fn lacks(&self, program: &str) {
        let _ = fs::remove_file(self.path(program));
    }

    fn user(&self, id: u32) {
        self.says("id", &id.to_string());
    }

    async fn set_up(&self, parts: &[&str]) -> (Option<i32>, String) {
        self.answering_within("30", parts).await
    }

    async fn answering_within(&self, seconds: &str, parts: &[&str]) -> (Option<i32>, String) {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/setup");
        let Output { status, stdout, stderr } = Command::new(script)
            .args(parts)
            .env("PATH", self.folder.path())
            .env("ANSWERS_WITHIN", seconds)
            .env("CARGO_TARGET_DIR", self.path("target"))
            .env("CHROMIUM", self.path("chromium"))
            .env("FIREFOX", self.path("firefox"))
            .env("WEBKIT_DRIVER", self.path("driver"))
            .env("XVFB", self.path("Xvfb"))
            .output()
            .await
            .expect("bash starts");
        let said = [stdout, stderr].concat();
        (status.code(), String::from_utf8(said).unwrap())
    }
}

#[tokio::test]
async fn a_machine_that_has_all_is_left_alone() {
    let machine = Machine::new();
    assert_eq!(machine.set_up(&[]).await, (Some(0), String::new()));
    assert_eq!(machine.set_up(&["client"]).await, (Some(0), String::new()));
}

#[tokio::test]
async fn what_is_missing_too_old_or_something_else_is_named_at_once_with_its_cure() {
    let machine = Machine::new();
    machine.lacks("caddy");
    machine.lacks("cargo-nextest");
    machine.says("cargo-itself", "cargo 1.70.0");
    machine.says("firefox", "Mozilla Firefox 128.3.0esr");
    machine.says("chromium", "a game of Chromium B.S.U.");
    machine.does("sqlite3", "exec sleep 60");
    let (code, said) = machine.answering_within("5", &[]).await;
    assert_eq!(code, Some(1), "{said}");
    for named in [
        "Caddy 2.6 or later (not here)\n      on Debian: apt-get install caddy",
        "cargo-nextest 0.9.143 or later (not here)\n      cargo install --locked cargo-nextest@0.9.143\n",
        "Cargo 1.95.0 or later (here is 1.70.0)\n      rustup toolchain install 1.95.0",
        "Firefox 140 or later (here is 128.3.0)\n      on Debian: apt-get install firefox-esr",
        "chromium is something else: asked for its version, it says ‘a game of Chromium B.S.U.’",
        "sqlite3 is something else: asked for its version, it says ‘’",
        "all of Debian's at once: apt-get install sqlite3 caddy chromium firefox-esr\n",
        "what runs without it: make test-client\n",
    ] {
        assert!(said.contains(named), "it doesn't say ‘{named}’: {said}");
    }
}

#[tokio::test]
async fn versions_that_no_tool_of_ours_takes_are_refused_though_they_are_newer() {
    let machine = Machine::new();
    for (version, will_do) in
        [("v18.20.4", false), ("v21.7.3", false), ("v22.11.0", false), ("v22.12.0", true), ("v24.1.0", true)]
    {
        machine.says("node", version);
        let (code, said) = machine.set_up(&["client"]).await;
        assert_eq!(code == Some(0), will_do, "{version}: {said}");
    }
}

#[tokio::test]
async fn as_root_what_is_missing_is_installed_in_one_go() {
    let machine = Machine::new();
    machine.user(0);
    machine.lacks("caddy");
    machine.says("firefox", "Mozilla Firefox 128.3.0esr");
    let [asked, caddy, firefox] =
        ["asked", "caddy", "firefox"].map(|name| machine.path(name).display().to_string());
    machine.does("apt-get", &format!(
        "echo \"$*\" >>{asked}\ncase \"$*\" in *install*) echo 'echo 2.6.2' >{caddy}; chmod +x {caddy}; echo 'echo Mozilla Firefox 140.1' >{firefox} ;; esac"
    ));
    machine.does("chmod", "exec /bin/chmod \"$@\"");
    let (code, said) = machine.set_up(&[]).await;
    assert_eq!((code, said.as_str()), (Some(0), "installing caddy firefox-esr\n"));
    let asked = fs::read_to_string(asked).unwrap();
    let installs: Vec<_> = asked.lines().filter(|line| line.contains("install ")).collect();
    assert!(matches!(installs[..], [one] if one.ends_with("install caddy firefox-esr")), "{asked}");
}

#[tokio::test]
async fn a_disk_without_room_and_a_part_that_is_none_are_named() {
    let machine = Machine::new();
    let (code, said) = machine.set_up(&["browsers"]).await;
    assert!(code == Some(2) && said.contains("knows no 'browsers'; parts are: build check"), "{said}");
    machine.says("df", "Filesystem 1M-blocks Used Available\n/dev/vda 900 897 3");
    let (code, said) = machine.set_up(&["client"]).await;
    assert!(code == Some(1) && said.contains("target has 3 MB left"), "{said}");
}
