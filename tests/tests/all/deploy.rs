//! What is under `deploy/`: the real programs take the configuration, and pages go through the real balancers.

use std::fs;

use freshwire_tests::{
    eventually,
    native::{Native, deploy},
    nats::Nats,
    page::Page,
    process::{Server, answered, binary, client, text},
    waiting::{PATIENCE, in_time, or_saw, saw},
};
use serde_json::{Value, json};
use tokio::{net::TcpListener, process::Command};

/// Long enough for a balancer that asks once a second to notice, on a machine that stalls.
const NOTICE: &str = "8s";
const DRAIN: &str = "5s";
/// So often in a row the balancer's answer must come from the other node.
const IN_A_ROW: usize = 8;

#[tokio::test]
async fn every_configuration_is_taken_by_its_program() {
    let mut check = Command::new(deploy().join("check"));
    check.kill_on_drop(true);
    let ran = in_time(PATIENCE, "deploy/check ends", check.output()).await.expect("bash starts");
    let said = String::from_utf8_lossy(&ran.stdout);
    assert!(ran.status.success(), "{said}{}", String::from_utf8_lossy(&ran.stderr));
    for checked in
        ["nats/nats.conf", "haproxy.cfg", "nginx.conf.template", "Caddyfile", "Dockerfile: what it copies"]
    {
        assert!(said.contains(&format!("ok       {checked}")), "{checked} was not checked: {said}");
    }
}

#[tokio::test]
async fn a_port_that_is_taken_is_named_before_anything_is_started() {
    let taken = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let port = taken.local_addr().expect("its port").port().to_string();
    let programs = binary().parent().expect("a folder").to_owned();
    let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap_or_default());
    let mut native = Command::new(deploy().join("native"));
    native.arg("true").env("PATH", path).kill_on_drop(true);
    native.envs([("PAGES_PORT", "0"), ("OPERATORS_PORT", &*port), ("SHOP_PORT", "0")]);
    let ran = in_time(PATIENCE, "deploy/native ends", native.output()).await.expect("bash starts");
    let said = String::from_utf8_lossy(&ran.stderr);
    assert_eq!(ran.status.code(), Some(1), "{said}");
    assert_eq!(
        said.trim(),
        format!(
            "127.0.0.1:{port} is in use; stop what listens there, or choose another with OPERATORS_PORT (0 is a free one)"
        )
    );
}

#[tokio::test]
async fn health_tells_container_engines_by_its_exit_code_whether_a_server_is_ready() {
    let mut server = Server::start().await;
    assert_eq!(server.run(&["health"]).await.0, 0);
    let waiting = Server::start_with(&["--nats", "nats://127.0.0.1:1"]).await;
    eventually("it says what it waits for", async || {
        let (code, _, said) = waiting.run(&["health"]).await;
        assert!(code == 1 && said.contains("not ready: starting"), "{code} {said}");
        said.contains("NATS can't be reached").then_some(())
    })
    .await;
    server.kill().await;
    assert_eq!(server.run(&["health"]).await.0, 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_user_that_is_shipped_may_do_what_a_node_does_also_after_nats_was_restarted() {
    let config = fs::read_to_string(deploy().join("nats/nats.conf")).expect("the configuration");
    let from = config.find("\naccounts {").expect("its accounts");
    let accounts = &config[from..from + config[from..].find("\n}").expect("their end") + 2];
    // What is asked for is seen in what the server traces.
    let lines = format!("{}\ntrace: true\n", accounts.replace("$NATS_PASSWORD", "secret"));
    let mut nats = Nats::start_with(&lines).await;
    let url = nats.url().replace("//", "//freshwire:secret@");
    let node = Server::node_at(&url, "a", &[], &[]).await;
    node.release("shop", json!({"build": "1"})).await;
    let asks = |nats: &Nats, what: &str| nats.log(0).contains(what).then_some(());
    eventually("the timeline is read", async || asks(&nats, "$JS.API.CONSUMER.MSG.NEXT")).await;
    nats.kill(0).await;
    eventually("it is noticed", async || node.readiness().await.1["log_age_ms"].as_u64()).await;
    let (code, said, _) = node.run(&["health"]).await;
    assert!(code == 0 && said.contains("a is ready\nbut its log has been away for "), "{said}");
    nats.restart(0).await;
    eventually("its reader is looked for", async || asks(&nats, "$JS.API.CONSUMER.INFO")).await;
    eventually("it is well again", async || node.readiness().await.1["log_trouble"].is_null().then_some(()))
        .await;
    node.release("shop", json!({"build": "2"})).await;
    assert!(!nats.log(0).contains("Violation"), "the user is let do what it must: {}", nats.log(0));
    assert!(!node.log().contains("NATS refuses"), "{}", node.log());
}

#[tokio::test]
async fn a_page_lives_behind_haproxy_while_a_node_is_drained() {
    walk("haproxy", false).await;
}

#[tokio::test]
async fn a_page_lives_behind_nginx_while_a_node_is_drained() {
    walk("nginx", false).await;
}

#[tokio::test]
async fn a_page_lives_behind_caddy_while_a_node_is_drained_and_nats_is_spoken_to_with_tls() {
    walk("caddy", true).await;
}

/// A page's life behind a balancer: the shop's document, the snippet, a socket, a release; then its node goes.
async fn walk(balancer: &str, tls: bool) {
    let with_tls = if tls { "yes" } else { "no" };
    let environment = [
        ("BALANCER", balancer),
        ("TLS", with_tls),
        ("FRESHWIRE_DRAIN_NOTICE", NOTICE),
        ("FRESHWIRE_DRAIN", DRAIN),
        ("FRESHWIRE_HELLO_TIMEOUT", "1m"),
    ];
    let mut native = Native::start(&environment).await;
    let pages = native.said("LB_PAGES").to_owned();

    eventually("both nodes are with NATS, by the right user", async || {
        let clients = clients_of_nats(&native).await;
        let there = |node| {
            let name = format!("freshwire {node}");
            let ours = |client: &Value| client["name"] == *name && client["authorized_user"] == "freshwire";
            clients.iter().any(|client| ours(client) && client["tls_version"].is_string() == tls)
        };
        (there("freshwire-1") && there("freshwire-2")).then_some(())
    })
    .await;

    let document = read(&format!("http://127.0.0.1:{}/tea", native.said("SHOP_PORT"))).await;
    assert!(document.contains(r#"<meta name="freshwire-build" content="1111111">"#), "{document}");
    let script = format!("http://{pages}/freshwire.js");
    assert!(document.contains(&format!(r#"src="{script}""#)), "{document}");
    assert!(read(&script).await.contains("freshwire.v1"), "the snippet comes through the balancer");

    release(&native, json!({"build": "1111111", "version": "1.0.0"})).await;
    let mut open = Vec::<Page>::new();
    eventually("both nodes get pages", async || {
        // A balancer sends nobody to a node for a while that was late with an answer.
        let mut page = or_saw(Page::connect(&pages, None).await)?;
        page.say_hello(json!({"app": "shop", "build": "1111111", "version": "1.0.0"})).await;
        assert_eq!(page.welcome["standing"], "current");
        open.push(page);
        let nodes = || open.iter().map(|page| page.welcome["node"].as_str()).collect::<Vec<_>>();
        saw(|| format!("pages of {:?}", nodes()));
        let has_some = |node| open.iter().any(|page| page.welcome["node"] == node);
        (open.len() >= 6 && has_some("freshwire-1") && has_some("freshwire-2")).then_some(())
    })
    .await;
    let next = json!({"build": "2222222", "version": "1.1.0", "severity": "important", "over": "0s"});
    release(&native, next).await;
    for page in &mut open {
        assert_eq!(page.frame("standing").await["standing"], "stale");
        assert_eq!(page.frame("notice").await["action"], "prompt");
    }

    // It is waited for: the node stays until the end of its drain, though its pages may have gone before.
    let silent = Page::silent(native.said("FRESHWIRE_1"), None).await;
    native.ask_to_stop("freshwire_1");
    // It takes pages until the balancer has noticed, and sends them on.
    let fresh = eventually("the balancer sends nobody there any more", async || {
        let mut fresh = None;
        for _ in 0..IN_A_ROW {
            let page = Page::open(&pages, "shop", "2222222", "1.1.0").await;
            saw(|| format!("welcomed by {}", page.welcome["node"]));
            fresh = Some(page).filter(|page| page.welcome["node"] == "freshwire-2");
            fresh.as_ref()?;
        }
        fresh
    })
    .await;
    let (status, body) = readiness(&pages).await;
    assert_eq!((status, &body["node"]), (200, &json!("freshwire-2")));
    assert!(native.running().contains(&"freshwire_1"), "it was noticed by its readiness, and not by its end");
    drop(silent);

    for mut page in open {
        if page.welcome["node"] == "freshwire-2" {
            assert!(page.frames_until_pong().await.is_empty(), "pages of the other node notice nothing");
            continue;
        }
        // Its goodbye comes through the balancer, which cuts nothing.
        page.frame("reconnect").await;
        assert_eq!(page.closed().await.0, 4200);
        let back = json!({"app": "shop", "build": "1111111", "version": "1.0.0", "via": page.welcome["node"],
            "session": page.session(), "resume": page.resume()});
        let back = Page::hello(&pages, back).await;
        assert_eq!((text(&back.welcome["node"]), back.session()), ("freshwire-2".into(), page.session()));
    }
    let apps = native.done(native.said("LB_OPS"), "GET", "/v1/apps", None).await;
    assert_eq!(apps["apps"][0]["app"], "shop", "operators come through it, too");
    for server in ["nats-1", "nats-2", "nats-3"] {
        let log = fs::read_to_string(format!("{}/{server}.log", native.said("LOGS"))).expect("its log");
        assert!(!log.contains("Violation"), "the user is let do what it must: {log}");
    }

    drop(fresh);
    native.end().await;
    assert_eq!(native.running(), Vec::<&str>::new());
}

/// Registers a release with one node, and waits until the other knows of it.
async fn release(native: &Native, body: Value) {
    native.done(native.said("FRESHWIRE_OPS_1"), "POST", "/v1/apps/shop/releases", Some(body.clone())).await;
    native.done(native.said("FRESHWIRE_OPS_2"), "POST", "/v1/apps/shop/releases", Some(body)).await;
}

/// Who is connected to NATS, as its three servers see it.
async fn clients_of_nats(native: &Native) -> Vec<Value> {
    let mut clients = Vec::new();
    for server in ["NATS_MONITOR_1", "NATS_MONITOR_2", "NATS_MONITOR_3"] {
        let answer = read(&format!("http://{}/connz?auth=1", native.said(server))).await;
        let answer: Value = serde_json::from_str(&answer).expect("JSON");
        clients.extend(answer["connections"].as_array().expect("a list").iter().cloned());
    }
    clients
}

async fn read(url: &str) -> String {
    let answer = answered(url, client().get(url).send().await);
    assert_eq!(answer.status(), 200, "{url}");
    let text = answer.text().await.expect("a text");
    saw(|| format!("{url}: {text}"));
    text
}

async fn readiness(address: &str) -> (u16, Value) {
    match client().get(format!("http://{address}/readyz")).send().await {
        Ok(answer) => (answer.status().as_u16(), answer.json().await.unwrap_or_default()),
        Err(_) => (0, Value::Null),
    }
}
