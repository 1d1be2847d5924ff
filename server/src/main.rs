//! The `freshwire` binary: the server and the operator's command line.

mod demo;
mod serve;

use std::process::ExitCode;

use clap::{CommandFactory as _, Parser, Subcommand};
use freshwire::{cli, process};

#[derive(Parser)]
#[command(
    version,
    about = "Know which builds of your single-page app are still open, and move them to a safe one"
)]
struct Args {
    #[command(flatten)]
    globals: cli::Globals,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the server.
    Serve(serve::ServeArgs),
    /// See it move: a server, a small shop and a crowd of simulated pages, all of it temporary.
    Demo(demo::DemoArgs),
    #[command(flatten)]
    Operator(cli::Command),
}

fn main() -> ExitCode {
    let Args { globals, command } = Args::parse();
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: the runtime can't start: {error}");
            return ExitCode::FAILURE;
        }
    };
    runtime.block_on(async {
        match command {
            Command::Serve(args) => serve::run(args).await,
            Command::Demo(args) => demo::run(args).await,
            Command::Operator(command) => cli::run(command, globals, Args::command).await,
        }
    })
}
