//! `token create`, `token list` and `token revoke`.

use clap::{Args, Subcommand};
use reqwest::Method;
use uuid::Uuid;

use super::{
    Console, Trouble, Undo,
    args::word,
    change::json,
    client::Call,
    say,
    table::{Cell, Column, Table},
    terminal::{DIM, Terminal, standing_style},
};
use crate::{
    api::{
        answers::{TokenAnswer, TokenChanged, TokensAnswer},
        bodies::TokenBody,
    },
    core::{
        judge::Standing,
        names::AppName,
        time::{Moment, Period},
        token::Scope,
    },
};

/// What can be done with tokens.
#[derive(Subcommand, Debug)]
pub enum TokenCommand {
    /// Make a token and print its secret, this once
    Create(CreateArgs),
    /// List the tokens, oldest first; never their secrets
    List(ListArgs),
    /// Take a token out of force
    Revoke(RevokeArgs),
}

/// What `token create` takes.
#[derive(Args, Debug)]
pub struct CreateArgs {
    /// Who will hold it; the history names them so
    name: String,
    /// What it may do; each includes the ones before it
    #[arg(long, value_parser = word::<Scope>(["read", "release", "operate", "admin"]))]
    scope: Scope,
    /// Only for this app
    #[arg(long)]
    app: Option<AppName>,
    /// Not taken any more after this time, such as 720h [default: never expires]
    #[arg(long, value_name = "DURATION")]
    expires_in: Option<Period>,
    #[command(flatten)]
    flags: TokenFlags,
}

/// What `token list` takes.
#[derive(Args, Debug)]
pub struct ListArgs {
    /// How many at most
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
}

/// What `token revoke` takes.
#[derive(Args, Debug)]
pub struct RevokeArgs {
    /// Its ID, as the list shows it
    id: Uuid,
    #[command(flatten)]
    flags: TokenFlags,
}

#[derive(Args, Debug)]
struct TokenFlags {
    /// Say what it would do, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Only if this is still the last log number of the tokens
    #[arg(long, value_name = "NUMBER")]
    if_match: Option<u64>,
}

/// Runs one of them.
pub async fn run(console: &Console, command: TokenCommand) -> Result<(), Trouble> {
    match command {
        TokenCommand::Create(args) => create(console, args).await,
        TokenCommand::List(args) => list(console, args).await,
        TokenCommand::Revoke(args) => revoke(console, args).await,
    }
}

async fn create(console: &Console, args: CreateArgs) -> Result<(), Trouble> {
    let body = TokenBody { name: args.name, scope: args.scope, app: args.app, expires_in: args.expires_in };
    let call = Call {
        method: Method::POST,
        path: vec!["tokens"],
        body: Some(json(&body)),
        dry_run: args.flags.dry_run,
        if_match: args.flags.if_match,
        // Sent again, it would make another: a secret is not kept, so the first can't be told again.
        repeatable: false,
    };
    let answer = console.client()?.change(&call).await?;
    let Some(changed) = console.unless_json::<TokenChanged>(&answer)? else { return Ok(()) };
    let token = &changed.token;
    let app = token.app.as_ref().map(|app| format!(" for {app}")).unwrap_or_default();
    let about = format!("'{}', scope {}{app}{}", token.name, token.scope, until(token));
    if changed.dry_run {
        Console::say(format!("dry run: a token for {about}; nothing was changed"));
        return Ok(());
    }
    Console::say(format!("a token for {about}; its secret is shown this once:"));
    Console::say(changed.secret.unwrap_or_default());
    console.undo(&Undo::by(["token", "revoke", &token.id.to_string()]));
    Ok(())
}

fn until(token: &TokenAnswer) -> String {
    token
        .expires_at
        .map(|at| format!(", expires {}", say::relative(at, crate::clock::now())))
        .unwrap_or_default()
}

async fn revoke(console: &Console, args: RevokeArgs) -> Result<(), Trouble> {
    let id = args.id.to_string();
    let call = Call {
        method: Method::DELETE,
        path: vec!["tokens", &id],
        body: None,
        dry_run: args.flags.dry_run,
        if_match: args.flags.if_match,
        repeatable: false,
    };
    let answer = console.client()?.change(&call).await?;
    let Some(changed) = console.unless_json::<TokenChanged>(&answer)? else { return Ok(()) };
    let token = &changed.token;
    if changed.dry_run {
        Console::say(format!(
            "dry run: would revoke the token of '{}' ({}); nothing was changed",
            token.name, token.scope
        ));
        return Ok(());
    }
    Console::say(format!("the token of '{}' ({}) is revoked", token.name, token.scope));
    let mut words =
        ["token", "create", &token.name, "--scope", &token.scope.to_string()].map(str::to_owned).to_vec();
    words.extend(token.app.as_ref().map(|app| ["--app".to_owned(), app.to_string()]).into_iter().flatten());
    let another = console.command(&words);
    console.undo(&Undo::never(format!("its secret is gone for good; make another: {another}")));
    Ok(())
}

async fn list(console: &Console, args: ListArgs) -> Result<(), Trouble> {
    let answer = console.client()?.list(&["tokens"], &[], "tokens", args.limit as usize).await?;
    let Some(tokens) = console.unless_json::<TokensAnswer>(&answer)? else { return Ok(()) };
    if tokens.tokens.is_empty() {
        Terminal::note("no tokens but the admin's; make one: freshwire token create NAME --scope SCOPE");
        return Ok(());
    }
    Terminal::print(&table(&tokens.tokens, crate::clock::now()).draw(console.terminal.look));
    console.note_more(tokens.next.as_ref(), tokens.tokens.len());
    Ok(())
}

fn table(tokens: &[TokenAnswer], now: Moment) -> Table {
    let mut table = Table::new([
        Column::text("ID"),
        Column::elastic("NAME"),
        Column::text("SCOPE"),
        Column::text("APP"),
        Column::text("MADE"),
        Column::text("BY"),
        Column::text("EXPIRES"),
    ]);
    for token in tokens {
        let expires = match token.expires_at {
            None => Cell::styled("never", DIM),
            Some(at) if at <= now => Cell::styled("expired", standing_style(Standing::Unsupported)),
            Some(at) => Cell::from(say::relative(at, now)),
        };
        table.row([
            Cell::from(token.id.to_string()),
            Cell::from(&token.name),
            Cell::from(token.scope.to_string()),
            Cell::from(token.app.as_ref().map_or("all", AppName::as_str)),
            Cell::from(say::relative(token.created_at, now)),
            Cell::from(&token.created_by),
            expires,
        ]);
    }
    table
}
