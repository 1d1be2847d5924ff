//! Embeds what the client's build made: `client-js/dist/served`, a table of files with their compressed twins.

use std::{env, fmt::Write, fs, path::Path};

#[derive(serde::Deserialize)]
struct Manifest {
    files: Vec<Served>,
}

#[derive(serde::Deserialize)]
struct Served {
    path: String,
    #[serde(rename = "type")]
    kind: String,
    immutable: bool,
    sha256: String,
}

fn main() {
    let root =
        Path::new(&env::var("CARGO_MANIFEST_DIR").expect("cargo sets it")).join("../client-js/dist/served");
    let manifest = root.join("manifest.json");
    println!("cargo::rerun-if-changed={}", manifest.display());
    let Ok(text) = fs::read_to_string(&manifest) else {
        println!(
            "cargo::error=the snippet is not built yet: run 'make client' (or 'npm ci && npm run build' in client-js)"
        );
        return;
    };
    let manifest: Manifest =
        serde_json::from_str(&text).expect("the client's build writes a manifest of this shape");
    let mut table = String::from("&[\n");
    for Served { path, kind, immutable, sha256 } in manifest.files {
        let file = root.join(path.trim_start_matches('/'));
        let file = file.canonicalize().expect("the manifest lists files that are there");
        println!("cargo::rerun-if-changed={}", file.display());
        let file = file.to_str().expect("paths are UTF-8");
        let (gz, br) = (format!("{file}.gz"), format!("{file}.br"));
        writeln!(
            table,
            "    Asset {{ path: {path:?}, kind: {kind:?}, immutable: {immutable}, etag: \"\\\"{sha256}\\\"\", \
             plain: include_bytes!({file:?}), gzip: include_bytes!({gz:?}), brotli: include_bytes!({br:?}) }},"
        )
        .expect("writing to a string doesn't fail");
    }
    table.push(']');
    let out = Path::new(&env::var("OUT_DIR").expect("cargo sets it")).join("assets.rs");
    fs::write(out, table).expect("the build folder can be written to");
}
