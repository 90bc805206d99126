//! Each kind of tampering, at each place of a trail.

use super::*;
use crate::{Options, Trail};
use proptest::prelude::*;
use std::sync::Arc;

/// A closed trail of two files and its lines. The last one is a checkpoint, which the head names.
struct Tampered {
    directory: tempfile::TempDir,
    /// Each file's lines.
    files: Vec<Vec<String>>,
}

/// Kind, numbers, and file and line of the first place.
type Found = (Kind, Option<(u64, u64)>, (usize, u64));

impl Tampered {
    fn new() -> Self {
        Self::signed(None)
    }

    fn signed(signer: Option<crate::Signer>) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let options = Options { signer, largest_file: 2500, ..Options::default() };
        let trail = Trail::open(directory.path(), options).unwrap();
        for n in 0..12 {
            let line = format!(
                r#"{{"v":1,"time":"2026-11-28T09:00:{n:02}.000000Z","request_id":"r-{n}","decision":"permit"}}"#
            );
            trail.append(None, line.as_bytes());
        }
        drop(trail);
        let read = |(_, path): (_, PathBuf)| std::fs::read_to_string(path).unwrap();
        let texts: Vec<String> =
            directory::files(directory.path()).unwrap().into_iter().map(read).collect();
        let files = texts.iter().map(|text| text.lines().map(str::to_owned).collect());
        let new = Self { files: files.collect(), directory };
        assert_eq!(new.files.len(), 2);
        assert!(new.findings().is_sound());
        new
    }

    fn path(&self, file: usize) -> PathBuf {
        directory::files(self.directory.path()).unwrap().swap_remove(file).1
    }

    fn count(&self) -> usize {
        self.files.iter().map(Vec::len).sum()
    }

    /// Where the record of this number is.
    fn place(&self, seq: usize) -> (usize, usize) {
        let first = self.files[0].len();
        if seq <= first { (0, seq - 1) } else { (1, seq - 1 - first) }
    }

    fn line(&mut self, seq: usize) -> &mut String {
        let (file, line) = self.place(seq);
        &mut self.files[file][line]
    }

    fn write(&self) {
        for (file, lines) in self.files.iter().enumerate() {
            let text: String = lines.iter().flat_map(|line| [line.as_str(), "\n"]).collect();
            std::fs::write(self.path(file), text).unwrap();
        }
    }

    fn findings(&self) -> Findings {
        verify(self.directory.path(), &Expected::default()).unwrap()
    }

    /// Writes the lines, and holds what is found to this.
    #[track_caller]
    fn finds(&self, want: &[Found]) {
        self.write();
        let findings = self.findings();
        let names: Vec<String> = (0..2)
            .map(|file| self.path(file).file_name().unwrap().to_string_lossy().into_owned())
            .collect();
        let found: Vec<_> = findings
            .faults
            .iter()
            .map(|fault| {
                let file = names.iter().position(|name| *name == fault.first.file).unwrap();
                (fault.kind, fault.seqs, (file, fault.first.line))
            })
            .collect();
        assert_eq!(found, want, "{findings:#?}");
    }

    /// The first, one in the middle, those on both sides of a file's end, and the last.
    fn places(&self) -> [usize; 5] {
        let first = self.files[0].len();
        [1, 4, first, first + 1, self.count()]
    }
}

fn at((file, line): (usize, usize)) -> (usize, u64) {
    (file, line as u64 + 1)
}

fn one(seq: usize) -> (u64, u64) {
    (seq as u64, seq as u64)
}

#[test]
fn an_edited_record_is_named() {
    for seq in Tampered::new().places() {
        for edit in
            ["content", "prev", "seq", "far seq", "furthest seq", "chain", "no record", "no text"]
        {
            let mut trail = Tampered::new();
            let place = at(trail.place(seq));
            let line = trail.line(seq);
            let hash = Link::of(line.as_bytes()).unwrap().prev.to_string();
            let other = hash.replace(['0', '1', '2', '3', '4', '5', '6', '7'], "8");
            *line = match edit {
                "content" => line.replace("\"v\":1", "\"v\":2"),
                "prev" => line.replace(&hash, &if seq == 1 { "1".repeat(64) } else { other }),
                "seq" => line.replace(&format!("\"seq\":{seq},"), &format!("\"seq\":{},", seq + 1)),
                "far seq" => line.replace(&format!("\"seq\":{seq},"), "\"seq\":999999,"),
                "chain" => {
                    line.replace("\"chain\":\"", "\"chain\":\"0").replacen("\",\"seq", "x", 1)
                }
                "no record" => "{}".to_owned(),
                _ => "\u{1b}[2J".to_owned(),
            };
            println!("{edit} of {seq}");
            trail.finds(&[(Kind::Edited, Some(one(seq)), place)]);
        }
    }
}

#[test]
fn a_removed_record_is_named_by_the_one_after_it() {
    for seq in Tampered::new().places() {
        let mut trail = Tampered::new();
        let last = trail.count();
        let (file, line) = trail.place(seq);
        trail.files[file].remove(line);
        let (kind, place) = if seq == last {
            (Kind::Truncated, at((file, line - 1)))
        } else if line == trail.files[file].len() {
            (Kind::Removed, at((file + 1, 0)))
        } else {
            (Kind::Removed, at((file, line)))
        };
        trail.finds(&[(kind, Some(one(seq)), place)]);
    }
}

#[test]
fn an_inserted_record_is_named() {
    for seq in Tampered::new().places() {
        for forged in ["a copy", "a forged one", "one of another chain", "text"] {
            let mut trail = Tampered::new();
            let (file, line) = trail.place(seq);
            let original = trail.line(seq).clone();
            let text = match forged {
                // Of a record that stands elsewhere: of itself, nobody could say which is the copy.
                "a copy" => trail.line(if seq == 6 { 7 } else { 6 }).clone(),
                "a forged one" => original.replace("permit", "deny").replace("\"v\":1", "\"v\":7"),
                "one of another chain" => original.replace("\"chain\":\"", "\"chain\":\"x"),
                _ => "nothing".to_owned(),
            };
            trail.files[file].insert(line, text);
            trail.write();
            let findings = trail.findings();
            println!("{forged} before {seq}");
            let [fault] = findings.faults.as_slice() else { panic!("{findings:#?}") };
            assert_eq!((fault.kind, fault.count), (Kind::Inserted, 1));
            assert_eq!(fault.first.line, line as u64 + 1);
        }
    }
}

#[test]
fn a_moved_record_is_named() {
    let last = Tampered::new().count();
    for (from, to) in
        [(1, 2), (1, 6), (4, 5), (5, 4), (6, 1), (4, last), (last, 4), (last, 1), (1, last)]
    {
        let mut trail = Tampered::new();
        let (file, line) = trail.place(from);
        let text = trail.files[file].remove(line);
        let (file, line) = if to == last { (1, trail.files[1].len()) } else { trail.place(to) };
        let line = line.min(trail.files[file].len());
        trail.files[file].insert(line, text);
        trail.write();
        let findings = trail.findings();
        println!("{from} to {to}");
        let [fault] = findings.faults.as_slice() else { panic!("{findings:#?}") };
        assert_eq!(fault.kind, Kind::Moved, "{findings:#?}");
        // Of two neighbours that changed places, either was moved.
        let moved = if from.abs_diff(to) == 1 { from.max(to) } else { from };
        assert_eq!(fault.seqs, Some(one(moved)), "{findings:#?}");
    }
}

#[test]
fn a_file_that_is_gone_or_cut_is_named() {
    let trail = Tampered::new();
    let (first, last) = (trail.files[0].len() as u64, trail.count() as u64);
    std::fs::remove_file(trail.path(0)).unwrap();
    let found = trail.findings().faults;
    assert_eq!((found.len(), found[0].kind, found[0].seqs), (1, Kind::Removed, Some((1, first))));

    let trail = Tampered::new();
    std::fs::remove_file(trail.path(1)).unwrap();
    let found = trail.findings().faults;
    let gone = Some((first + 1, last));
    assert_eq!((found.len(), found[0].kind, found[0].seqs), (1, Kind::Truncated, gone));

    let trail = Tampered::new();
    let path = trail.path(1);
    let text = std::fs::read(&path).unwrap();
    std::fs::write(&path, &text[..text.len() - 20]).unwrap();
    let kinds: Vec<Kind> = trail.findings().faults.iter().map(|fault| fault.kind).collect();
    assert_eq!(kinds, [Kind::Truncated, Kind::Torn]);

    let trail = Tampered::new();
    std::fs::remove_file(head::path(trail.directory.path())).unwrap();
    let kinds: Vec<Kind> = trail.findings().faults.iter().map(|fault| fault.kind).collect();
    assert_eq!(kinds, [Kind::Head]);
}

#[test]
fn every_fault_is_told_and_neighbours_are_one_run() {
    let mut trail = Tampered::new();
    for seq in [3, 4, 5] {
        let line = trail.line(seq);
        *line = line.replace("permit", "deny");
    }
    // The last of the first file.
    let last = trail.files[0].len();
    trail.files[0].pop();
    trail.files[0].insert(7, "x".to_owned());
    trail.finds(&[
        (Kind::Edited, Some((3, 5)), (0, 3)),
        (Kind::Inserted, None, (0, 8)),
        (Kind::Removed, Some(one(last)), (1, 1)),
    ]);
    let fault = trail.findings().faults.remove(0);
    assert_eq!(fault.count, 3);
    // The first record is a checkpoint.
    assert_eq!(fault.first.request_id.as_deref(), Some("r-1"));
    assert_eq!(fault.last.request_id.as_deref(), Some("r-3"));
    assert_eq!(fault.first.time.as_deref(), Some("2026-11-28T09:00:01.000000Z"));
}

#[test]
fn what_cannot_be_told_run_by_run_is_counted() {
    let directory = tempfile::tempdir().unwrap();
    let trail = Trail::open(directory.path(), Options::default()).unwrap();
    (0..6000).for_each(|n| trail.append(None, format!(r#"{{"n":{n}}}"#).as_bytes()));
    drop(trail);
    let path = directory::files(directory.path()).unwrap().remove(0).1;
    let text = std::fs::read_to_string(&path).unwrap();
    let odd = text.lines().enumerate().filter(|(n, _)| n % 3 != 1).map(|(_, line)| line);
    std::fs::write(&path, odd.collect::<Vec<_>>().join("\n") + "\n").unwrap();
    let findings = verify(directory.path(), &Expected::default()).unwrap();
    assert_eq!(findings.faults.len(), 1000);
    assert!((900..1100).contains(&findings.more), "{}", findings.more);
}

/// Writes a trail anew as somebody does who knows how, from this record on; the head, too.
fn rewrite(trail: &mut Tampered, from: usize) {
    let mut prev = Hash::of(trail.line(from).as_bytes());
    for seq in from + 1..=trail.count() {
        let line = trail.line(seq);
        *line = String::from_utf8(Link::mended(line.as_bytes(), prev).unwrap()).unwrap();
        prev = Hash::of(line.as_bytes());
    }
    trail.write();
    let directory = trail.directory.path();
    let point = head::read(directory).unwrap().unwrap();
    head::write(directory, &Point { hash: prev, ..point }).unwrap();
}

/// Signs so that only the test can tell: the signature is kept beside what it is over.
fn signer() -> (crate::Signer, impl Fn(&str) -> std::result::Result<Point, String>) {
    let signed: Arc<std::sync::Mutex<Vec<Point>>> = Arc::default();
    let theirs = Arc::clone(&signed);
    let sign = move |point: &Point| {
        let mut signed = theirs.lock().unwrap();
        signed.push(point.clone());
        Ok((signed.len() - 1).to_string())
    };
    let check = move |signature: &str| {
        let number: usize = signature.parse().map_err(|_| "it is none".to_owned())?;
        signed.lock().unwrap().get(number).cloned().ok_or_else(|| "it is none".to_owned())
    };
    (Arc::new(sign), check)
}

#[test]
fn a_chain_that_was_written_anew_is_found_by_signatures_and_by_what_was_kept_alone() {
    let (sign, check) = signer();
    let mut trail = Tampered::signed(Some(sign));
    let expected = Expected { checker: Some(&check), ..Expected::default() };
    let before = verify(trail.directory.path(), &expected).unwrap();
    assert!(before.is_sound(), "{before:#?}");
    assert_eq!(before.checkpoints, (3, 0));
    let (kept, _) = before.newest.unwrap();

    let line = trail.line(4);
    *line = line.replace("permit", "deny");
    rewrite(&mut trail, 4);
    assert!(trail.findings().is_sound(), "nobody could tell without keys");
    let findings = verify(trail.directory.path(), &expected).unwrap();
    let kinds: Vec<Kind> = findings.faults.iter().map(|fault| fault.kind).collect();
    // The first checkpoint, before the edit, holds.
    assert_eq!(kinds, [Kind::Signature], "{findings:#?}");
    assert_eq!(findings.faults[0].count, 2);
    let known = Expected { known: vec![kept], ..Expected::default() };
    let findings = verify(trail.directory.path(), &known).unwrap();
    assert_eq!(findings.faults.len(), 1);
    assert_eq!(findings.faults[0].seqs, Some((kept.seq, kept.seq)));

    // Without its signatures it is no better.
    for seq in 1..=trail.count() {
        let line = trail.line(seq);
        for signature in 0..3 {
            *line = line.replace(&format!(r#","signature":"{signature}""#), "");
        }
    }
    rewrite(&mut trail, 1);
    let findings = verify(trail.directory.path(), &expected).unwrap();
    assert_eq!(findings.faults[0].kind, Kind::Signature, "{findings:#?}");
}

#[test]
fn a_point_that_was_kept_guards_the_end_and_the_beginning() {
    let trail = Tampered::new();
    let known = |seq: usize| {
        let (file, line) = trail.place(seq);
        Known { seq: seq as u64, hash: Hash::of(trail.files[file][line].as_bytes()) }
    };
    let (first, last) = (trail.files[0].len(), trail.count());
    let with = |known: Vec<Known>, after| {
        let expected = Expected { known, after, checker: None };
        verify(trail.directory.path(), &expected).unwrap()
    };
    assert!(with(vec![known(1), known(first), known(last)], None).is_sound());
    let beyond = with(vec![Known { seq: last as u64 + 2, hash: Hash::NONE }], None);
    assert_eq!(beyond.faults[0].kind, Kind::Truncated);
    assert_eq!(beyond.faults[0].seqs, Some((last as u64 + 1, last as u64 + 2)));

    std::fs::remove_file(trail.path(0)).unwrap();
    assert!(with(Vec::new(), Some(known(first))).is_sound());
    let other = with(Vec::new(), Some(Known { hash: Hash::NONE, ..known(first) }));
    assert_eq!(other.faults[0].kind, Kind::Edited);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn no_change_of_a_closed_trail_goes_unseen(
        position in any::<prop::sample::Index>(),
        file in 0..2_usize,
        change in prop::collection::vec(any::<u8>(), 0..4),
        length in 0..400_usize,
    ) {
        let trail = Tampered::new();
        let path = trail.path(file);
        let mut bytes = std::fs::read(&path).unwrap();
        let before = bytes.clone();
        let start = position.index(bytes.len());
        let end = (start + length).min(bytes.len());
        bytes.splice(start..end, change);
        std::fs::write(&path, &bytes).unwrap();
        prop_assert_eq!(trail.findings().is_sound(), bytes == before);
    }
}
