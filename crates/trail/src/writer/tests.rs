use super::*;
use crate::directory;
use crate::read::{Lines, Query, Record, records};
use crate::verify::{Expected, Findings, Kind, verify};
use std::os::unix::fs::PermissionsExt as _;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};
use std::time::Duration;

fn line(n: usize) -> String {
    format!(
        r#"{{"v":1,"time":"2026-11-28T09:00:00.000000Z","request_id":"r-{n}","decision":"permit"}}"#
    )
}

fn open(directory: &Path) -> Trail {
    Trail::open(directory, Options::default()).unwrap()
}

fn sound(directory: &Path) -> Findings {
    let findings = verify(directory, &Expected::default()).unwrap();
    assert!(findings.is_sound(), "{findings:#?}");
    findings
}

fn texts(directory: &Path) -> Vec<String> {
    let mut lines = Vec::new();
    for (_, path) in directory::files(directory).unwrap() {
        let text = std::fs::read_to_string(path).unwrap();
        lines.extend(text.lines().map(str::to_owned));
    }
    lines
}

/// The requests of a trail, in order.
fn requests(directory: &Path) -> Vec<String> {
    let mut ids = Vec::new();
    let query = Query { event: Some("request".to_owned()), ..Query::default() };
    records(directory, &query, |_, record: &Record<'_>| {
        ids.push(record.request_id.as_deref().unwrap().to_owned());
        true
    })
    .unwrap();
    ids
}

fn newest(directory: &Path) -> PathBuf {
    directory::files(directory).unwrap().pop().unwrap().1
}

#[test]
fn a_chain_goes_on_over_restarts() {
    let directory = tempfile::tempdir().unwrap();
    let trail = directory.path().join("a/b");
    for start in 0..3 {
        let open = open(&trail);
        for n in 0..10 {
            open.append(None, line(10 * start + n).as_bytes());
        }
    }
    let findings = sound(&trail);
    // Ten requests and a checkpoint at each end.
    assert_eq!(findings.span, Some((1, 36)));
    assert_eq!((findings.checkpoints, findings.unguarded, findings.files), ((0, 6), 0, 1));
    assert_eq!(requests(&trail), (0..30).map(|n| format!("r-{n}")).collect::<Vec<_>>());
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&trail), 0o700);
    for entry in std::fs::read_dir(&trail).unwrap() {
        assert_eq!(mode(&entry.unwrap().path()), 0o600);
    }
}

#[test]
fn a_record_is_with_the_system_when_it_is_appended() {
    let directory = tempfile::tempdir().unwrap();
    let open = open(directory.path());
    for n in 0..5 {
        open.append(None, line(n).as_bytes());
        assert_eq!(requests(directory.path()).len(), n + 1);
    }
}

#[test]
fn a_directory_has_one_writer() {
    let directory = tempfile::tempdir().unwrap();
    let first = open(directory.path());
    let second = Trail::open(directory.path(), Options::default());
    assert!(matches!(second, Err(Error::Locked(_))));
    drop(first);
    open(directory.path());
    sound(directory.path());
}

#[test]
fn a_torn_line_is_set_aside_and_recorded() {
    let directory = tempfile::tempdir().unwrap();
    drop({
        let trail = open(directory.path());
        trail.append(None, line(0).as_bytes());
        trail
    });
    let path = newest(directory.path());
    let whole = std::fs::read(&path).unwrap();
    std::fs::write(&path, [whole.as_slice(), b"{\"v\":1,\"tim"].concat()).unwrap();
    let findings = verify(directory.path(), &Expected::default()).unwrap();
    assert_eq!(findings.faults.iter().map(|fault| fault.kind).collect::<Vec<_>>(), [Kind::Torn]);

    drop(open(directory.path()));
    let findings = sound(directory.path());
    assert_eq!(findings.torn, 1);
    let aside = format!("{}.torn-{}", path.display(), whole.len());
    assert_eq!(std::fs::read(aside).unwrap(), b"{\"v\":1,\"tim");
    assert!(texts(directory.path())[3].contains(r#""event":"torn","time":"#));
}

#[test]
fn a_last_record_without_its_line_feed_gets_it() {
    let directory = tempfile::tempdir().unwrap();
    drop(open(directory.path()));
    let path = newest(directory.path());
    let whole = std::fs::read(&path).unwrap();
    std::fs::write(&path, &whole[..whole.len() - 1]).unwrap();
    drop(open(directory.path()));
    let findings = sound(directory.path());
    assert_eq!((findings.torn, findings.span), (0, Some((1, 2))));
    assert!(std::fs::read(&path).unwrap().starts_with(&whole));
}

#[test]
fn what_was_cut_off_stays_missing_after_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    drop({
        let trail = open(directory.path());
        (0..5).for_each(|n| trail.append(None, line(n).as_bytes()));
        trail
    });
    let path = newest(directory.path());
    let text = std::fs::read_to_string(&path).unwrap();
    let kept: String = text.split_inclusive('\n').take(4).collect();
    for (rest, gone) in [(kept.as_str(), (5, 7)), ("", (1, 8))] {
        std::fs::write(&path, rest).unwrap();
        drop(open(directory.path()));
        let findings = verify(directory.path(), &Expected::default()).unwrap();
        let [fault] = findings.faults.as_slice() else { panic!("{findings:#?}") };
        assert_eq!((fault.kind, fault.seqs), (Kind::Removed, Some(gone)));
    }
    std::fs::write(&path, "nothing of the kind\n").unwrap();
    let refused = Trail::open(directory.path(), Options::default()).err().unwrap().to_string();
    assert!(refused.contains("its last line is no record"), "{refused}");
}

#[test]
fn a_head_that_was_tampered_with_stops_nobody_and_stays_to_be_found() {
    let directory = tempfile::tempdir().unwrap();
    drop(open(directory.path()));
    let head = crate::head::read(directory.path()).unwrap().unwrap();
    crate::head::write(directory.path(), &Point { seq: u64::MAX, ..head }).unwrap();
    let trail = open(directory.path());
    trail.append(None, line(0).as_bytes());
    drop(trail);
    assert!(!verify(directory.path(), &Expected::default()).unwrap().is_sound());
    assert_eq!(requests(directory.path()), ["r-0"]);
}

fn clocked(now: &Arc<AtomicI64>) -> Options {
    let now = Arc::clone(now);
    Options {
        clock: Arc::new(move || Timestamp::from_second(now.load(Ordering::SeqCst)).unwrap()),
        ..Options::default()
    }
}

#[test]
fn each_day_and_each_so_many_bytes_have_a_file() {
    let directory = tempfile::tempdir().unwrap();
    let day: Timestamp = "2026-11-28T23:59:58Z".parse().unwrap();
    let now = Arc::new(AtomicI64::new(day.as_second()));
    let options = Options { largest_file: 4096, ..clocked(&now) };
    let trail = Trail::open(directory.path(), options.clone()).unwrap();
    (0..40).for_each(|n| trail.append(None, line(n).as_bytes()));
    now.fetch_add(2, Ordering::SeqCst);
    trail.append(None, line(40).as_bytes());
    // A clock that is set back makes no earlier file, nor does a restart.
    now.fetch_sub(86_400, Ordering::SeqCst);
    trail.append(None, line(41).as_bytes());
    drop(trail);
    let trail = Trail::open(directory.path(), options).unwrap();
    trail.append(None, line(42).as_bytes());
    drop(trail);
    let names: Vec<String> = directory::files(directory.path())
        .unwrap()
        .into_iter()
        .map(|(name, _)| name.to_string())
        .collect();
    assert_eq!(names.first().unwrap(), "2026-11-28-0001.jsonl");
    assert_eq!(names.last().unwrap(), "2026-11-29-0001.jsonl");
    assert!(names.len() > 3, "{names:?}");
    let findings = sound(directory.path());
    assert_eq!(findings.unguarded, 0);
    assert_eq!(requests(directory.path()).len(), 43);
    // Every file but the last ends with a checkpoint.
    for (_, path) in directory::files(directory.path()).unwrap() {
        let text = std::fs::read_to_string(path).unwrap();
        assert!(text.lines().last().unwrap().contains(r#""event":"checkpoint""#));
    }
}

#[test]
fn files_out_of_time_are_not_read() {
    let directory = tempfile::tempdir().unwrap();
    let day: Timestamp = "2026-11-20T12:00:00Z".parse().unwrap();
    let now = Arc::new(AtomicI64::new(day.as_second()));
    let trail = Trail::open(directory.path(), clocked(&now)).unwrap();
    for n in 0..10 {
        let time = Timestamp::from_second(now.load(Ordering::SeqCst)).unwrap();
        trail.append(None, format!(r#"{{"time":"{time:.6}","request_id":"r-{n}"}}"#).as_bytes());
        now.fetch_add(86_400, Ordering::SeqCst);
    }
    drop(trail);
    let files = directory::files(directory.path()).unwrap();
    assert_eq!(files.len(), 10);
    // What is out of time can be unreadable.
    for at in [0, 1, 8, 9] {
        std::fs::write(&files[at].1, "{\"time\":\"2030-01-01T00:00:00Z\"}\n{\n").unwrap();
    }
    let query = Query {
        since: "2026-11-22T00:00:00Z".parse().ok(),
        until: "2026-11-25T00:00:00Z".parse().ok(),
        event: Some("request".to_owned()),
        ..Query::default()
    };
    let mut ids = Vec::new();
    let seen = records(directory.path(), &query, |_, record| {
        ids.push(record.request_id.as_deref().unwrap().to_owned());
        true
    });
    assert_eq!(ids, ["r-2", "r-3", "r-4"]);
    assert_eq!(seen.unwrap().unreadable, 0);
}

/// A trail on a disk that is full when it is told to be.
fn on_disk(directory: &Path, full: &Arc<AtomicBool>, told: &Arc<Mutex<Vec<String>>>) -> Trail {
    let (full, told) = (Arc::clone(full), Arc::clone(told));
    let taken = AtomicUsize::new(0);
    let options = Options {
        tell: Arc::new(move |text| told.lock().unwrap().push(text.to_owned())),
        ..Options::default()
    };
    let write = move |mut file: &File, bytes: &[u8]| {
        let is_full = full.load(Ordering::SeqCst);
        // The first write of two still takes a little: the line that is being written is torn.
        if is_full && taken.fetch_add(1, Ordering::SeqCst) % 2 == 1 {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let size = if is_full { 3 } else { bytes.len() };
        io::Write::write(&mut file, &bytes[..size.min(bytes.len())])
    };
    Trail::open_by(directory, options, Arc::new(write)).unwrap()
}

#[test]
fn a_full_disk_loses_nothing_and_makes_everybody_wait() {
    let directory = tempfile::tempdir().unwrap();
    let (full, told) = (Arc::new(AtomicBool::new(false)), Arc::default());
    let trail = Arc::new(on_disk(directory.path(), &full, &told));
    trail.append(None, line(0).as_bytes());
    full.store(true, Ordering::SeqCst);
    let long = format!(r#"{{"request_id":"long","x":"{}"}}"#, "x".repeat(60_000));
    let mut count = 0;
    while trail.has_room() {
        trail.append(None, long.as_bytes());
        count += 1;
        assert!(count < 1000, "it takes all");
    }
    assert!(count >= MAX_WAITING / 61_000, "{count}");
    assert!(!trail.flush(Instant::now() + Duration::from_millis(300)));
    let waker = Waker::noop();
    assert!(trail.poll_room(&Context::from_waker(waker)).is_pending());
    let waiter = {
        let trail = Arc::clone(&trail);
        std::thread::spawn(move || trail.wait_for_room())
    };
    // A reader sees whole records only, and no fault but the line that is being written.
    assert_eq!(requests(directory.path()), ["r-0"]);
    let findings = verify(directory.path(), &Expected::default()).unwrap();
    assert!(findings.faults.iter().all(|fault| fault.kind == Kind::Torn), "{findings:#?}");
    let until = Instant::now() + Duration::from_secs(10);
    while told.lock().unwrap().is_empty() {
        assert!(Instant::now() < until, "nobody is told");
        std::thread::sleep(Duration::from_millis(5));
    }

    full.store(false, Ordering::SeqCst);
    assert!(trail.flush(Instant::now() + Duration::from_secs(10)));
    waiter.join().unwrap();
    assert!(trail.has_room());
    drop(trail);
    sound(directory.path());
    assert_eq!(requests(directory.path()).len(), count + 1);
    let told = told.lock().unwrap();
    let [begun, ended] = told.as_slice() else { panic!("{told:?}") };
    assert!(begun.contains("no storage space"), "{begun}");
    assert!(ended.ends_with("is in order again"), "{ended}");
}

#[test]
fn a_kill_while_the_disk_is_full_leaves_a_trail_that_goes_on() {
    let directory = tempfile::tempdir().unwrap();
    let (full, told) = (Arc::new(AtomicBool::new(false)), Arc::default());
    let trail = on_disk(directory.path(), &full, &told);
    trail.append(None, line(0).as_bytes());
    full.store(true, Ordering::SeqCst);
    trail.append(None, line(1).as_bytes());
    drop(trail);
    drop(open(directory.path()));
    let findings = sound(directory.path());
    assert_eq!(findings.torn, 1);
    assert_eq!(requests(directory.path()), ["r-0"]);
}

#[test]
fn concurrent_writers_have_one_order() {
    let directory = tempfile::tempdir().unwrap();
    let trail = Arc::new(
        Trail::open(directory.path(), Options { largest_file: 64 * 1024, ..Options::default() })
            .unwrap(),
    );
    let writers: Vec<_> = (0..8)
        .map(|writer| {
            let trail = Arc::clone(&trail);
            std::thread::spawn(move || {
                (0..500).for_each(|n| trail.append(None, line(1000 * writer + n).as_bytes()));
            })
        })
        .collect();
    for writer in writers {
        writer.join().unwrap();
    }
    drop(trail);
    assert!(sound(directory.path()).files > 10);
    let ids = requests(directory.path());
    assert_eq!(ids.len(), 4000);
    let number = |id: &String| id.trim_start_matches("r-").parse::<usize>().unwrap();
    for writer in 0..8 {
        let all = ids.iter().map(number);
        let theirs: Vec<usize> = all.filter(|n| n / 1000 == writer).collect();
        assert_eq!(theirs.len(), 500);
        assert!(theirs.is_sorted());
    }
}

#[test]
fn others_can_not_speak_for_the_gateway_or_the_trail() {
    let directory = tempfile::tempdir().unwrap();
    let trail = open(directory.path());
    trail.append(Some("other"), line(0).as_bytes());
    trail.append(None, br#"{"event":"checkpoint","signature":"x"}"#);
    trail.append(None, "\u{1b}[2J関所".as_bytes());
    trail.append(None, br#"{"event":"users-imported","count":3}"#);
    drop(trail);
    let findings = sound(directory.path());
    assert_eq!(findings.checkpoints, (0, 2));
    assert!(requests(directory.path()).is_empty());
    let lines = texts(directory.path());
    assert!(
        lines[1].contains(r#""decision":"permit","component":"other","chain":"#),
        "{}",
        lines[1]
    );
    assert!(lines[2].contains(r#""event":"text""#), "{}", lines[2]);
    assert!(lines[3].contains(r#""text":"?[2J??""#), "{}", lines[3]);
    assert!(lines[4].contains(r#""event":"users-imported""#), "{}", lines[4]);
}

#[test]
fn many_records_get_a_checkpoint_within_a_second_or_so_and_the_head_follows() {
    let directory = tempfile::tempdir().unwrap();
    let trail = open(directory.path());
    let first = crate::head::read(directory.path()).unwrap().unwrap();
    assert_eq!(first.seq, 1, "a start has a checkpoint");
    (0..1500).for_each(|n| trail.append(None, line(n).as_bytes()));
    let until = Instant::now() + Duration::from_secs(10);
    while crate::head::read(directory.path()).unwrap().unwrap().seq == 1 {
        assert!(Instant::now() < until, "no checkpoint");
        std::thread::sleep(Duration::from_millis(10));
    }
    let head = crate::head::read(directory.path()).unwrap().unwrap();
    let mut lines = Lines::open(&newest(directory.path())).unwrap();
    let mut found = false;
    while let Some(line) = lines.next().unwrap() {
        found |= crate::link::Hash::of(line.bytes) == head.hash && line.number == head.seq;
    }
    assert!(found);
    sound(directory.path());
}

#[test]
fn what_the_signer_refuses_is_told_and_the_checkpoint_says_so() {
    let directory = tempfile::tempdir().unwrap();
    let told: Arc<Mutex<Vec<String>>> = Arc::default();
    let hears = Arc::clone(&told);
    let options = Options {
        signer: Some(Arc::new(|_| Err("no key".to_owned()))),
        tell: Arc::new(move |text| hears.lock().unwrap().push(text.to_owned())),
        ..Options::default()
    };
    let trail = Trail::open(directory.path(), options).unwrap();
    trail.append(None, line(0).as_bytes());
    drop(trail);
    assert!(texts(directory.path()).iter().all(|line| !line.contains("signature")));
    assert!(told.lock().unwrap()[0].contains("no key"));
}

mod follow {
    use super::*;
    use crate::read::{Bounds, Follower, newest};

    #[test]
    fn what_comes_is_read_once_over_files() {
        let directory = tempfile::tempdir().unwrap();
        let options = Options { largest_file: 2048, ..Options::default() };
        let trail = Trail::open(directory.path(), options).unwrap();
        trail.append(None, line(0).as_bytes());
        let mut follower = Follower::from_end(directory.path()).unwrap();
        let query = Query { event: Some("request".to_owned()), ..Query::default() };
        let mut ids = Vec::new();
        for n in 1..60 {
            trail.append(None, line(n).as_bytes());
            if n % 7 == 0 {
                let more = follower.poll(&query, |_, record| {
                    ids.push(record.request_id.as_deref().unwrap().to_owned());
                    true
                });
                assert!(more.unwrap());
            }
        }
        assert_eq!(ids, (1..=56).map(|n| format!("r-{n}")).collect::<Vec<_>>());
        let bounds = Bounds { records: 20, bytes: u64::MAX };
        let page = newest(directory.path(), &query, None, bounds).unwrap();
        let id = |line: &Vec<u8>| Record::of(line).unwrap().request_id.unwrap().into_owned();
        let ids: Vec<String> = page.lines.iter().map(id).collect();
        assert_eq!(ids, (40..60).rev().map(|n| format!("r-{n}")).collect::<Vec<_>>());
    }
}
