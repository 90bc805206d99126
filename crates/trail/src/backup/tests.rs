use super::*;
use crate::{Options, Trail};
use jiff::ToSpan as _;
use std::os::unix::fs::PermissionsExt as _;

struct Site {
    directory: tempfile::TempDir,
    now: Timestamp,
}

impl Site {
    fn new() -> Self {
        let now = "2026-11-28T09:00:00Z".parse().unwrap();
        Self { directory: tempfile::tempdir().unwrap(), now }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn write(&self, from: usize) {
        let options = Options { largest_file: 2000, ..Options::default() };
        let trail = Trail::open(&self.path("trail"), options).unwrap();
        (from..from + 20).for_each(|n| trail.append(None, format!(r#"{{"n":{n}}}"#).as_bytes()));
    }

    fn back_up(&mut self) -> Backup {
        self.now = self.now.checked_add(1.hour()).unwrap();
        backup(&self.path("trail"), &self.path("backups"), self.now).unwrap()
    }

    fn texts(&self, directory: &str) -> Vec<(String, Vec<u8>)> {
        let files = directory::files(&self.path(directory)).unwrap();
        files.into_iter().map(|(name, path)| (name.to_string(), fs::read(path).unwrap())).collect()
    }
}

#[test]
fn two_generations_are_kept_and_each_comes_back() {
    let mut site = Site::new();
    for round in 0..4 {
        site.write(20 * round);
        let made = site.back_up();
        assert!(made.generation.sound);
        assert_eq!(made.removed.len(), usize::from(round >= 2));
    }
    let kept = generations(&site.path("backups")).unwrap();
    assert_eq!(kept.len(), KEPT);
    assert_eq!(fs::read_dir(site.path("backups")).unwrap().count(), KEPT);
    let name = kept[0].path.file_name().unwrap().to_str().unwrap();
    assert_eq!(name, "2026-11-28T13-00-00.000000Z");
    assert_eq!(kept[0].path.metadata().unwrap().permissions().mode() & 0o777, 0o700);

    fs::create_dir(site.path("restored")).unwrap();
    let findings = restore(&kept[0].path, &site.path("restored")).unwrap();
    assert!(findings.is_sound() && findings.records > 80);
    assert_eq!(site.texts("restored"), site.texts("trail"));
    restore(&kept[1].path, &site.path("older")).unwrap();
    assert!(site.texts("older").len() < site.texts("trail").len());
    // A gateway goes on with it.
    drop(Trail::open(&site.path("older"), Options::default()).unwrap());
    assert!(verify(&site.path("older"), &Expected::default()).unwrap().is_sound());

    let refused = restore(&kept[0].path, &site.path("trail")).unwrap_err().to_string();
    assert!(refused.contains("it is not empty"), "{refused}");
}

#[test]
fn a_copy_of_a_trail_that_grows_is_sound() {
    let mut site = Site::new();
    let trail = Trail::open(&site.path("trail"), Options::default()).unwrap();
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            (0..20_000).for_each(|n| trail.append(None, format!(r#"{{"n":{n}}}"#).as_bytes()));
        });
        let mut rounds = 0;
        while !writer.is_finished() || rounds == 0 {
            assert!(site.back_up().generation.sound);
            rounds += 1;
        }
    });
}

#[test]
fn what_was_tampered_with_does_not_push_out_what_was_not() {
    let mut site = Site::new();
    site.write(0);
    let sound = site.back_up().generation;
    let (_, path) = directory::files(&site.path("trail")).unwrap().remove(0);
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace("\"n\":3", "\"n\":4")).unwrap();
    for _ in 0..4 {
        let made = site.back_up();
        assert!(!made.generation.sound && !made.findings.is_sound());
    }
    let kept = generations(&site.path("backups")).unwrap();
    assert_eq!(kept.iter().map(|one| one.sound).collect::<Vec<_>>(), [false, false, true]);
    assert_eq!(kept[2].path, sound.path);
    restore(&sound.path, &site.path("restored")).unwrap();
    let refused = restore(&kept[0].path, &site.path("tampered")).unwrap_err().to_string();
    assert!(refused.contains("edited"), "{refused}");
    assert!(!site.path("tampered").exists());
}

#[test]
fn a_generation_that_is_damaged_or_not_complete_is_none() {
    let mut site = Site::new();
    site.write(0);
    let generation = site.back_up().generation.path;
    // What a backup leaves that breaks off goes with the next one.
    fs::create_dir(site.path("backups/.partial-x")).unwrap();
    fs::copy(generation.join(MANIFEST), site.path("backups/.partial-x/manifest.json")).unwrap();
    fs::create_dir(site.path("backups/of somebody else")).unwrap();
    site.back_up();
    assert!(!site.path("backups/.partial-x").exists());
    assert!(site.path("backups/of somebody else").exists());

    let (_, path) = directory::files(&generation).unwrap().remove(0);
    let text = fs::read(&path).unwrap();
    fs::write(&path, &text[..text.len() - 1]).unwrap();
    let refused = restore(&generation, &site.path("restored")).unwrap_err().to_string();
    assert!(refused.contains("it is not what the manifest says"), "{refused}");
    assert!(!site.path("restored").exists() && !site.path(".partial-restored").exists());

    let manifest = fs::read_to_string(generation.join(MANIFEST)).unwrap();
    fs::write(generation.join(MANIFEST), manifest.replace("\"head\"", "\"../head\"")).unwrap();
    let refused = restore(&generation, &site.path("restored")).unwrap_err().to_string();
    assert!(
        refused.contains("no file of a trail") || refused.contains("manifest says"),
        "{refused}"
    );
    assert!(backup(&site.path("backups"), &site.path("b"), site.now).is_err(), "no trail there");
}
