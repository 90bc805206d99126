//! What the check of a token's signature costs where this runs: `benches/verify.rs` runs it natively and in
//! WebAssembly.
//!
//! Reads blocks of lines, each an algorithm's name, a JWK Set, tokens by its key, and an empty line.
//! Writes for each the name and three times in microseconds, medians: of a key's first checks, of a
//! token that is new, of one that was seen before.
#![expect(clippy::unwrap_used, reason = "a measurement that can't go on has failed")]
#![allow(clippy::disallowed_methods, reason = "a measurement reads the clock")]

use sekisho_core::token::jws::{self, Unverified};
use sekisho_core::token::keys::{Algorithm, KeySet};
use std::io::read_to_string;
use std::time::Instant;

/// How many checks a key makes before one is an ordinary one.
const FIRST: usize = 3;
const WARM: usize = 20;
/// Of a token that was seen before, in one sample.
const REPEATED: usize = 50;

fn main() {
    for block in read_to_string(std::io::stdin()).unwrap().split("\n\n").filter(|b| !b.is_empty()) {
        let mut lines = block.lines();
        let name = lines.next().unwrap();
        let algorithm = Algorithm::from_name(name).unwrap();
        let set = lines.next().unwrap();
        let tokens: Vec<Unverified<'_>> = lines.map(|token| jws::parse(token).unwrap()).collect();
        let keys = || KeySet::parse(set.as_bytes(), &[algorithm]).unwrap();
        let time = |keys: &KeySet, token: &Unverified<'_>, times: usize| {
            let started = Instant::now();
            for _ in 0..times {
                keys.verify(token, algorithm).unwrap();
            }
            started.elapsed().as_secs_f64() * 1e6 / f64::from(u32::try_from(times).unwrap())
        };
        let first = median(tokens.chunks_exact(FIRST).take(10).map(|tokens| {
            let keys = keys();
            let sum: f64 = tokens.iter().map(|token| time(&keys, token, 1)).sum();
            sum / f64::from(u32::try_from(FIRST).unwrap())
        }));
        let keys = keys();
        for token in tokens.iter().take(WARM) {
            time(&keys, token, 1);
        }
        let new = median(tokens.iter().skip(WARM).map(|token| time(&keys, token, 1)));
        let seen = median(tokens.iter().take(WARM).map(|token| time(&keys, token, REPEATED)));
        println!("{name} {first} {new} {seen}");
    }
}

fn median(times: impl Iterator<Item = f64>) -> f64 {
    let mut times: Vec<f64> = times.collect();
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap()
}
