//! Draws a census over time as an SVG: `freshwire census APP --watch --json` on standard input becomes a
//! stack of areas, one for each build, with the moments that somebody marked.

use std::{
    fmt::Write as _,
    fs, io,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Parser;
use freshwire::core::time::Moment;
use serde::Deserialize;

const WIDTH: f64 = 960.0;
const LEFT: f64 = 56.0;
const RIGHT: f64 = 24.0;
const TOP: f64 = 64.0;
const HEIGHT: f64 = 300.0;
const LINE: f64 = 20.0;
/// Of the builds in their order; after the last they begin again. They differ in lightness too.
const COLOURS: [&str; 6] = ["#8a94a6", "#1f77b4", "#e08214", "#2a9d5c", "#9467bd", "#c44e52"];
/// About so many lines across, and so many up.
const TICKS: f64 = 8.0;

/// Draws a census over time, from `freshwire census APP --watch --json`, as an SVG.
#[derive(Parser)]
struct Args {
    /// What stands above it
    #[arg(long, default_value = "Open pages by build")]
    title: String,
    /// Moments to mark: lines of an RFC 3339 time, a tab and a text
    #[arg(long, value_name = "FILE")]
    marks: Option<PathBuf>,
    /// The builds from the bottom up [default: as the census has them, oldest first]
    #[arg(long = "build", value_name = "BUILD")]
    builds: Vec<String>,
}

#[derive(Deserialize)]
struct Census {
    as_of: Moment,
    rows: Vec<Row>,
}

#[derive(Deserialize)]
struct Row {
    build: String,
    version: Option<String>,
    sessions: u32,
}

struct Mark {
    at: Moment,
    text: String,
}

fn main() -> ExitCode {
    match drawn(Args::parse()) {
        Ok(svg) => {
            print!("{svg}");
            ExitCode::SUCCESS
        }
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::FAILURE
        }
    }
}

fn drawn(args: Args) -> Result<String, String> {
    let censuses = serde_json::Deserializer::from_reader(io::stdin().lock()).into_iter();
    let samples = censuses.collect::<Result<Vec<_>, _>>().map_err(|error| format!("no census: {error}"))?;
    let marks = args.marks.as_deref().map(marks).transpose()?.unwrap_or_default();
    Chart::new(samples, marks, args.builds).map(|chart| chart.svg(&args.title))
}

fn marks(file: &Path) -> Result<Vec<Mark>, String> {
    let text = fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
    let mark = |line: &str| {
        let (at, text) = line.split_once('\t')?;
        Some(Mark { at: at.parse().ok()?, text: text.to_owned() })
    };
    text.lines().map(|line| mark(line).ok_or_else(|| format!("'{line}' is no time, tab and text"))).collect()
}

struct Chart {
    samples: Vec<Census>,
    marks: Vec<Mark>,
    /// From the bottom up, with their versions.
    builds: Vec<(String, Option<String>)>,
    from: Moment,
    seconds: f64,
    most: f64,
}

impl Chart {
    fn new(mut samples: Vec<Census>, marks: Vec<Mark>, wanted: Vec<String>) -> Result<Self, String> {
        samples.sort_by_key(|census| census.as_of);
        let (Some(first), Some(last)) = (samples.first(), samples.last()) else {
            return Err("nothing to draw: no census came in".to_owned());
        };
        let from = marks.iter().map(|mark| mark.at).fold(first.as_of, Moment::min);
        let to = marks.iter().map(|mark| mark.at).fold(last.as_of, Moment::max);
        let mut builds: Vec<(String, Option<String>)> =
            wanted.into_iter().map(|build| (build, None)).collect();
        // A census lists the newest first; the last one knows them all.
        for row in samples.iter().rev().flat_map(|census| census.rows.iter().rev()) {
            match builds.iter_mut().find(|(build, _)| *build == row.build) {
                Some((_, version)) => {
                    if version.is_none() {
                        version.clone_from(&row.version);
                    }
                }
                None => builds.push((row.build.clone(), row.version.clone())),
            }
        }
        let total = |census: &Census| census.rows.iter().map(|row| row.sessions).sum::<u32>();
        let most = f64::from(samples.iter().map(total).max().unwrap_or(0).max(1));
        let seconds = seconds(from, to).max(1.0);
        Ok(Self { samples, marks, builds, from, seconds, most })
    }

    fn x(&self, at: Moment) -> f64 {
        LEFT + seconds(self.from, at) / self.seconds * (WIDTH - LEFT - RIGHT)
    }

    fn y(&self, sessions: u32) -> f64 {
        TOP + HEIGHT * (1.0 - f64::from(sessions) / self.most)
    }

    fn svg(&self, title: &str) -> String {
        let lines = f64::from(u32::try_from(self.marks.len()).unwrap_or(u32::MAX));
        let height = TOP + HEIGHT + 48.0 + lines * LINE;
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" font-family=\"sans-serif\" \
             font-size=\"12\" role=\"img\">\n<title>{title}</title>\n\
             <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n\
             <text x=\"{LEFT}\" y=\"22\" font-size=\"16\" font-weight=\"bold\">{title}</text>\n",
            title = escaped(title)
        );
        self.legend(&mut svg);
        self.grid(&mut svg);
        for index in (0..self.builds.len()).rev() {
            self.area(index, &mut svg);
        }
        self.marks(&mut svg);
        svg.push_str("</svg>\n");
        svg
    }

    fn legend(&self, svg: &mut String) {
        let mut x = LEFT;
        for (index, (build, version)) in self.builds.iter().enumerate() {
            let name = match version {
                Some(version) => format!("{version} ({build})"),
                None => build.clone(),
            };
            let colour = COLOURS[index % COLOURS.len()];
            let _ = writeln!(
                svg,
                "<rect x=\"{x}\" y=\"34\" width=\"12\" height=\"12\" fill=\"{colour}\"/><text x=\"{}\" y=\"44\">{}</text>",
                x + 18.0,
                escaped(&name)
            );
            x += 40.0 + 7.5 * f64::from(u32::try_from(name.chars().count()).unwrap_or(0));
        }
    }

    fn grid(&self, svg: &mut String) {
        let bottom = TOP + HEIGHT;
        for sessions in ticks(self.most) {
            let y = TOP + HEIGHT * (1.0 - sessions / self.most);
            let _ = writeln!(
                svg,
                "<path d=\"M{LEFT} {y:.1}H{}\" stroke=\"#ddd\"/><text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{sessions}</text>",
                WIDTH - RIGHT,
                LEFT - 8.0,
                y + 4.0
            );
        }
        for second in ticks(self.seconds) {
            let x = LEFT + second / self.seconds * (WIDTH - LEFT - RIGHT);
            let _ = writeln!(
                svg,
                "<text x=\"{x:.1}\" y=\"{}\" text-anchor=\"middle\">{second} s</text>",
                bottom + 18.0
            );
        }
    }

    /// The pages on this build and on all below it in the stack: what is above is drawn first, behind it.
    fn area(&self, index: usize, svg: &mut String) {
        let stacked = |census: &Census| {
            let below = |row: &&Row| self.builds[..=index].iter().any(|(build, _)| *build == row.build);
            census.rows.iter().filter(below).map(|row| row.sessions).sum()
        };
        let Some(first) = self.samples.first() else { return };
        let mut path = format!("M{:.1} {:.1}", self.x(first.as_of), TOP + HEIGHT);
        for census in &self.samples {
            // What was counted stays so until the next count: steps, no slopes.
            let _ = write!(path, "H{:.1}V{:.1}", self.x(census.as_of), self.y(stacked(census)));
        }
        let end = WIDTH - RIGHT;
        let _ = writeln!(
            svg,
            "<path d=\"{path}H{end}V{}Z\" fill=\"{}\"/>",
            TOP + HEIGHT,
            COLOURS[index % COLOURS.len()]
        );
    }

    fn marks(&self, svg: &mut String) {
        let mut y = TOP + HEIGHT + 46.0;
        for (number, mark) in (1..).zip(&self.marks) {
            let x = self.x(mark.at);
            let _ = writeln!(
                svg,
                "<path d=\"M{x:.1} {}V{}\" stroke=\"#111\" stroke-dasharray=\"3 3\"/><text x=\"{x:.1}\" y=\"{}\" \
                 text-anchor=\"middle\" font-weight=\"bold\">{number}</text><text x=\"{LEFT}\" y=\"{y}\">{number}  after \
                 {:.1} s: {}</text>",
                TOP,
                TOP + HEIGHT,
                TOP - 4.0,
                seconds(self.from, mark.at),
                escaped(&mark.text)
            );
            y += LINE;
        }
    }
}

/// Round numbers from 0 up to the most.
fn ticks(most: f64) -> impl Iterator<Item = f64> {
    let rough = most / TICKS;
    let magnitude = 10_f64.powf(rough.log10().floor()).max(1.0);
    let step = [1.0, 2.0, 5.0, 10.0].map(|n| n * magnitude).into_iter().find(|step| *step >= rough);
    let step = step.unwrap_or(magnitude * 10.0);
    (0..).map(move |n| f64::from(n) * step).take_while(move |tick| *tick <= most)
}

fn seconds(from: Moment, to: Moment) -> f64 {
    to.since(from).std().as_secs_f64()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
