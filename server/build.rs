//! Embeds what the client build made.

fn main() {}
