//! The tables of SCALING.md: each stands between two markers, and is written anew from the figures.

use crate::{
    arithmetic::{Arithmetic, wide},
    draw::{bytes, count, number},
    figures::{Cluster, Figures, Flow},
    meter::float,
};

/// Sessions of a node that the arithmetic goes by.
const A_NODE: f64 = 100_000.0;
const BUILDS: usize = 12;
const MANY_BUILDS: usize = 100;

/// The page with its tables as the figures say.
pub fn filled_in(page: &str, figures: &Figures, arithmetic: &Arithmetic) -> Result<String, String> {
    let tables = [
        ("machine", machine(figures)),
        ("expect", expect(arithmetic)),
        ("clusters", clusters(figures)),
        ("notices", notices(figures)),
        ("flows", flows(figures)),
        ("changes", changes(figures)),
        ("reports", reports(figures)),
        ("voices", voices(figures)),
        ("costs", costs(figures, arithmetic)),
    ];
    let mut page = page.to_owned();
    for (name, table) in tables {
        let (begin, end) = (format!("<!-- {name}: by make scale -->\n"), format!("<!-- {name} ends -->"));
        let missing = || format!("SCALING.md has no place for '{name}'");
        let (before, rest) = page.split_once(&begin).ok_or_else(missing)?;
        let (_, after) = rest.split_once(&end).ok_or_else(missing)?;
        page = format!("{before}{begin}{table}{end}{after}");
    }
    Ok(page)
}

fn table(head: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let head: Vec<_> = head.iter().map(ToString::to_string).collect();
    let mut text = line(&head) + &line(&vec!["---".to_owned(); head.len()]);
    text.extend(rows.into_iter().map(|cells| line(&cells)));
    text
}

fn machine(figures: &Figures) -> String {
    let machine = &figures.machine;
    format!(
        "{}, {} cores, {} GiB of memory, {}, nats-server {}.\n",
        machine.processor, machine.cores, machine.memory_gib, machine.kernel, machine.nats_server
    )
}

fn expect(arithmetic: &Arithmetic) -> String {
    let sizes = [1.0, 3.0, 100.0];
    let row = |name: &str, say: &dyn Fn(f64) -> String| {
        let mut cells = vec![name.to_owned()];
        cells.extend(sizes.map(say));
        cells
    };
    let traffic = |builds, a_second| {
        move |nodes: f64| {
            let traffic = arithmetic.traffic(nodes, builds, a_second);
            format!("{} and {}", count(traffic.messages), bytes(traffic.bytes))
        }
    };
    let nats = |nodes: f64| {
        let deliveries = arithmetic.traffic(nodes, BUILDS, 1.0).messages;
        format!("{} of a core", share(deliveries * arithmetic.nats_us_a_delivery / 1e6))
    };
    let hears =
        |nodes: f64| format!("{} of a core", share((nodes - 1.0) * arithmetic.node_us_a_report / 1e6));
    table(
        &["", "one node", "three nodes", "a hundred nodes"],
        [
            row("sessions, 100,000 a node", &|nodes| count(nodes * A_NODE)),
            row("memory of a node, the kernel's share with it", &|_| bytes(arithmetic.memory(A_NODE))),
            row("out of NATS, nothing happens: messages/s and bytes/s", &traffic(BUILDS, Arithmetic::QUIET)),
            row("the same, every node tells a change each second", &traffic(BUILDS, 1.0)),
            row("the same with 100 builds in use", &traffic(MANY_BUILDS, 1.0)),
            row("NATS spends on that (12 builds)", &nats),
            row("a node spends on hearing the others (12 builds)", &hears),
        ],
    )
}

fn clusters(figures: &Figures) -> String {
    let row = |cluster: &Cluster| {
        vec![
            cluster.nodes.to_string(),
            count(float(cluster.sessions)),
            seconds(cluster.connected_s),
            count(float(cluster.sessions) / cluster.connected_s),
            format!("{} µs", number(cluster.cpu_us_a_join)),
            seconds(cluster.exact_s),
            seconds(cluster.exact_after_churn_s),
            bytes(wide(cluster.rss_full)),
            bytes(wide(cluster.nats_rss)),
            format!("{} µs", count(cluster.census_cpu_us)),
            cluster.lost.to_string(),
        ]
    };
    table(
        &[
            "nodes",
            "sessions",
            "all connected in",
            "a second",
            "CPU a join",
            "census exact at all nodes after",
            "again after churn",
            "RSS of all nodes",
            "RSS of NATS",
            "CPU of a census",
            "sessions lost",
        ],
        figures.clusters.iter().map(row),
    )
}

fn notices(figures: &Figures) -> String {
    let row = |cluster: &Cluster| {
        vec![
            cluster.nodes.to_string(),
            count(float(cluster.notices)),
            seconds(cluster.notice_ms.p50 / 1e3),
            seconds(cluster.notice_ms.last / 1e3),
            format!("{} µs", number(cluster.cpu_us_a_notice)),
            format!("{} µs", number(cluster.load_cpu_us_a_notice)),
            seconds(cluster.wave_last_s),
            format!("{} ms", number(cluster.change_ms.p50)),
            format!("{} ms", number(cluster.change_everywhere_ms.p50)),
            format!("{} ms", number(cluster.change_everywhere_ms.p99)),
        ]
    };
    table(
        &[
            "nodes",
            "pages told",
            "half of them after",
            "the last after",
            "CPU a notice",
            "and of the load",
            "the last of a wave over 20 s after",
            "a change is answered after (p50)",
            "and known at the last node after (p50)",
            "(p99)",
        ],
        figures.clusters.iter().map(row),
    )
}

fn flows(figures: &Figures) -> String {
    let row = |cluster: &Cluster, what: &str, flow: &Flow| {
        vec![
            cluster.nodes.to_string(),
            what.to_owned(),
            number(flow.messages_in),
            number(flow.messages_out),
            bytes(flow.bytes_in),
            bytes(flow.bytes_out),
            share(flow.node_cpu),
            share(flow.nats_cpu),
        ]
    };
    let largest = figures.clusters.iter().skip(2);
    let rows = largest.flat_map(|cluster| {
        [
            row(cluster, "nothing", &cluster.quiet),
            row(cluster, &format!("{} pages/s come and go", cluster.churn_a_second), &cluster.churn),
            row(cluster, "a wave over 20 s", &cluster.wave),
        ]
    });
    table(
        &[
            "nodes",
            "what happens",
            "messages/s in",
            "out",
            "bytes/s in",
            "out",
            "cores a node",
            "cores of NATS",
        ],
        rows,
    )
}

fn changes(figures: &Figures) -> String {
    let rows = figures.changes.iter().map(|changes| {
        let at = |percent: usize| changes.answered_ms.get(changes.answered_ms.len() * percent / 100);
        let ms = |time: Option<&f64>| time.map_or_else(String::new, |time| format!("{} ms", number(*time)));
        vec![changes.log.clone(), ms(at(50)), ms(at(99)), format!("{}/s", count(changes.a_second))]
    });
    table(&["the log", "half are answered within", "99 of 100 within", "16 writers at once"], rows)
}

fn reports(figures: &Figures) -> String {
    let rows = figures.reports.iter().map(|cost| {
        vec![
            cost.builds.to_string(),
            bytes(float(cost.bytes)),
            format!("{} µs", number(cost.write_us)),
            format!("{} µs", number(cost.hear_us)),
            format!("{} ms", number(cost.merge_us / 1e3)),
        ]
    });
    table(&["builds", "a report", "to write it", "to read it and take it in", "to add 99 of them up"], rows)
}

fn voices(figures: &Figures) -> String {
    let rows = figures.voices.iter().map(|voices| {
        vec![
            voices.nodes.to_string(),
            voices.builds.to_string(),
            count(voices.changing.messages_out),
            bytes(voices.changing.bytes_out),
            share(voices.changing.nats_cpu),
            share(voices.changing.node_cpu),
            format!("{} ms", number(voices.census_cpu_us / 1e3)),
        ]
    });
    table(
        &[
            "nodes",
            "builds",
            "messages/s out of NATS",
            "bytes/s",
            "cores of NATS",
            "cores of a node",
            "CPU of a census",
        ],
        rows,
    )
}

fn costs(figures: &Figures, arithmetic: &Arithmetic) -> String {
    let largest = figures.clusters.last();
    let of_largest = |value: &dyn Fn(&Cluster) -> f64| largest.map_or(0.0, value);
    let row = |name: &str, value: String| vec![name.to_owned(), value];
    table(
        &["what", "costs"],
        [
            row("a node without sessions", format!("{} of memory", bytes(arithmetic.bytes_empty))),
            row("a session", format!("{} B of the node's memory", count(arithmetic.bytes_a_session))),
            row("its socket", format!("{} B of the kernel's", count(arithmetic.kernel_bytes_a_session))),
            row(
                "a page that joins",
                format!("{} µs of CPU", number(of_largest(&|cluster| cluster.cpu_us_a_join))),
            ),
            row(
                "a notice, acknowledged",
                format!("{} µs of CPU", number(of_largest(&|cluster| cluster.cpu_us_a_notice))),
            ),
            row("a report without builds", format!("{} B", count(arithmetic.report_base))),
            row("each build in it", format!("{} B", count(arithmetic.report_a_build))),
            row(
                "a report of 12 builds that NATS delivers",
                format!("{} µs of CPU", number(arithmetic.nats_us_a_delivery)),
            ),
            row("the same that a node hears", format!("{} µs of CPU", number(arithmetic.node_us_a_report))),
        ],
    )
}

fn seconds(value: f64) -> String {
    if value < 0.95 { format!("{} ms", count(value * 1e3)) } else { format!("{} s", number(value)) }
}

/// Of a core, as percent.
fn share(cores: f64) -> String {
    format!("{}%", number(cores * 100.0))
}
