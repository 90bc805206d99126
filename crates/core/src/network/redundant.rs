//! Blocks that change nothing, for a reviewer: nobody should have to wonder why they stand there.

use super::Kind;
use ipnet::IpNet;

/// The most that are shown of one network.
pub const MAX_REDUNDANT: usize = 100;

/// Finds the blocks that change nothing, because the next longer block around them, or an equal one
/// before them, does the same. Gives the index of each with the index of the other, in the order of
/// the first, at most [`MAX_REDUNDANT`]. O(n log n).
///
/// A block inside one of the other kind is an exception, and an exception to that is one too:
/// neither is redundant.
pub fn redundant(blocks: &[(IpNet, Kind)]) -> Vec<(usize, usize)> {
    let mut order: Vec<(IpNet, usize, Kind)> =
        blocks.iter().enumerate().map(|(index, (block, kind))| (*block, index, *kind)).collect();
    // Of equal blocks the denying one is inside, as in the set.
    order.sort_unstable_by_key(|(block, index, kind)| (*block, *kind, *index));
    let mut open: Vec<(IpNet, usize, Kind)> = Vec::new();
    let mut found = Vec::new();
    for entry @ (block, index, kind) in order {
        while open.last().is_some_and(|(outer, ..)| !outer.contains(&block)) {
            open.pop();
        }
        if let Some((_, around, _)) = open.last().filter(|(.., outer)| *outer == kind) {
            found.push((index, *around));
        }
        open.push(entry);
    }
    found.sort_unstable();
    found.truncate(MAX_REDUNDANT);
    found
}
