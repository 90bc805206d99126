//! Refuses compilers that break the code: LLVM before 23 takes the wrong operand where both halves of a
//! wide product are used (llvm/llvm-project#199910), silently, and signatures are wide products.

use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let flags = std::env::var("CARGO_ENCODED_RUSTFLAGS").unwrap_or_default();
    if !flags.contains("wide-arithmetic") {
        return;
    }
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let version = Command::new(rustc).arg("-vV").output().map(|output| output.stdout);
    let version = String::from_utf8_lossy(&version.unwrap_or_default()).into_owned();
    let llvm = version.lines().find_map(|line| line.strip_prefix("LLVM version: "));
    let major = llvm.and_then(|version| version.split('.').next()?.parse::<u32>().ok());
    if major.is_none_or(|major| major < 23) {
        println!(
            "cargo::error=wide-arithmetic needs LLVM 23 or newer (Rust 1.99), and this is {}: older ones \
             compile it wrongly (https://github.com/llvm/llvm-project/issues/199910)",
            llvm.unwrap_or("unknown")
        );
    }
}
