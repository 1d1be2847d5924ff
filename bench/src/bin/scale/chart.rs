//! A drawing of points and lines, as an SVG that is readable on light and on dark pages.

use std::fmt::Write as _;

const WIDTH: f64 = 860.0;
const LEFT: f64 = 84.0;
const RIGHT: f64 = 32.0;
const TOP: f64 = 44.0;
const HEIGHT: f64 = 300.0;
const LEGEND_LINE: f64 = 20.0;
const TICKS: f64 = 6.0;
const STYLE: &str = "<style>svg{--ink:#1f2328;--paper:#fff;--grid:#d8dee4;--a:#1f77b4;--b:#c2570c;--c:#1a7f4e;--d:#8250df}\
@media(prefers-color-scheme:dark){svg{--ink:#e6edf3;--paper:#0d1117;--grid:#30363d;--a:#58a6ff;--b:#f0883e;--c:#3fb950;--d:#bc8cff}}\
text{fill:var(--ink)}</style>";
const COLOURS: [&str; 5] = ["a", "b", "c", "d", "ink"];
/// The last of the palette: for what is neither measured nor computed.
pub const INK: usize = 4;
/// A line through no more points than these shows each of them.
const FEW_POINTS: usize = 10;

pub struct Chart {
    pub title: String,
    pub x: Axis,
    pub y: Axis,
    pub series: Vec<Series>,
}

pub struct Axis {
    pub name: &'static str,
    pub from: f64,
    pub to: f64,
    /// Each step as many times the one before, rather than as much more.
    pub log: bool,
    pub say: fn(f64) -> String,
}

pub struct Series {
    /// Empty: the one before says it.
    pub name: String,
    /// Of the palette, so that what belongs together looks alike.
    pub colour: usize,
    pub look: Look,
    pub points: Vec<(f64, f64)>,
}

pub enum Look {
    /// Measured, one by one.
    Dots,
    /// Measured, with what lies between.
    Line,
    /// Computed.
    Dashes,
}

impl Axis {
    pub fn linear(name: &'static str, to: f64, say: fn(f64) -> String) -> Self {
        let step = step(to);
        Self { name, from: 0.0, to: (to / step).ceil() * step, log: false, say }
    }

    pub const fn log(name: &'static str, from: f64, to: f64, say: fn(f64) -> String) -> Self {
        Self { name, from, to, log: true, say }
    }

    /// Where a value is, from 0 to 1.
    fn place(&self, value: f64) -> f64 {
        if self.log {
            (value.max(self.from) / self.from).ln() / (self.to / self.from).ln()
        } else {
            (value - self.from) / (self.to - self.from)
        }
    }

    fn ticks(&self) -> Vec<f64> {
        let ticks = 0..;
        if self.log {
            let first = 10_f64.powf(self.from.log10().floor());
            let decades = (self.to / self.from).log10();
            let within: &[f64] = if decades > 4.0 { &[1.0] } else { &[1.0, 3.0] };
            return ticks
                .map(|n| first * 10_f64.powi(n))
                .take_while(|decade| *decade <= self.to)
                .flat_map(|decade| within.iter().map(move |times| decade * times))
                .filter(|tick| (self.from..=self.to).contains(tick))
                .collect();
        }
        let step = step(self.to);
        ticks.map(|n| f64::from(n) * step).take_while(|tick| *tick <= self.to * 1.001).collect()
    }
}

/// A round number, of which a few make the whole.
fn step(whole: f64) -> f64 {
    let rough = whole / TICKS;
    let magnitude = 10_f64.powf(rough.log10().floor());
    [1.0, 2.0, 5.0, 10.0].map(|n| n * magnitude).into_iter().find(|step| *step >= rough).unwrap_or(rough)
}

impl Chart {
    pub fn svg(&self) -> String {
        let named = || self.series.iter().filter(|series| !series.name.is_empty());
        let legend = LEGEND_LINE * f64::from(u32::try_from(named().count()).unwrap_or(0));
        let height = TOP + HEIGHT + 64.0 + legend;
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" font-family=\"sans-serif\" \
             font-size=\"13\" role=\"img\">\n{STYLE}\n<title>{title}</title>\n\
             <rect width=\"100%\" height=\"100%\" fill=\"var(--paper)\"/>\n\
             <text x=\"{LEFT}\" y=\"24\" font-size=\"16\" font-weight=\"bold\">{title}</text>\n",
            title = self.title
        );
        self.grid(&mut svg);
        for series in &self.series {
            self.series(series, &mut svg);
        }
        for (series, line) in named().zip(0..) {
            legend_line(series, TOP + HEIGHT + 66.0 + LEGEND_LINE * f64::from(line), &mut svg);
        }
        svg.push_str("</svg>\n");
        svg
    }

    fn grid(&self, svg: &mut String) {
        let (bottom, right) = (TOP + HEIGHT, WIDTH - RIGHT);
        for tick in self.y.ticks() {
            let (y, label) = (self.y(tick), (self.y.say)(tick));
            let _ = writeln!(
                svg,
                "<path d=\"M{LEFT} {y:.1}H{right}\" stroke=\"var(--grid)\"/>\
                 <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{label}</text>",
                LEFT - 8.0,
                y + 4.5,
            );
        }
        for tick in self.x.ticks() {
            let (x, label) = (self.x(tick), (self.x.say)(tick));
            let _ = writeln!(
                svg,
                "<path d=\"M{x:.1} {TOP}V{bottom}\" stroke=\"var(--grid)\"/>\
                 <text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{label}</text>",
                bottom + 18.0,
            );
        }
        let _ = writeln!(
            svg,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>\n\
             <text transform=\"translate(16 {:.1}) rotate(-90)\" text-anchor=\"middle\">{}</text>",
            f64::midpoint(LEFT, right),
            bottom + 38.0,
            self.x.name,
            TOP + HEIGHT / 2.0,
            self.y.name,
        );
    }

    fn series(&self, series: &Series, svg: &mut String) {
        let places: Vec<_> = series.points.iter().map(|(x, y)| (self.x(*x), self.y(*y))).collect();
        let colour = COLOURS[series.colour % COLOURS.len()];
        if !matches!(series.look, Look::Dots) {
            let path: Vec<_> = places.iter().map(|(x, y)| format!("{x:.1} {y:.1}")).collect();
            let _ = writeln!(
                svg,
                "<path d=\"M{}\" fill=\"none\" stroke=\"var(--{colour})\" stroke-width=\"2\"{}/>",
                path.join("L"),
                series.look.dashes(),
            );
        }
        let computed = matches!(series.look, Look::Dashes) || series.colour == INK;
        if !computed && places.len() <= FEW_POINTS {
            for (x, y) in places {
                let _ =
                    writeln!(svg, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"5\" fill=\"var(--{colour})\"/>");
            }
        }
    }

    fn x(&self, value: f64) -> f64 {
        LEFT + self.x.place(value) * (WIDTH - LEFT - RIGHT)
    }

    fn y(&self, value: f64) -> f64 {
        TOP + HEIGHT * (1.0 - self.y.place(value).clamp(0.0, 1.0))
    }
}

impl Look {
    const fn dashes(&self) -> &'static str {
        if matches!(self, Self::Dashes) { " stroke-dasharray=\"6 4\"" } else { "" }
    }
}

fn legend_line(series: &Series, y: f64, svg: &mut String) {
    let colour = COLOURS[series.colour % COLOURS.len()];
    let sample = match series.look {
        Look::Dots => {
            format!("<circle cx=\"{}\" cy=\"{}\" r=\"5\" fill=\"var(--{colour})\"/>", LEFT + 15.0, y - 4.0)
        }
        _ => format!(
            "<path d=\"M{LEFT} {}h30\" stroke=\"var(--{colour})\" stroke-width=\"2\"{}/>",
            y - 4.0,
            series.look.dashes()
        ),
    };
    let _ = writeln!(svg, "{sample}<text x=\"{}\" y=\"{y}\">{}</text>", LEFT + 40.0, series.name);
}
