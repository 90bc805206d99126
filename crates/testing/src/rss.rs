//! What a process costs: resident memory and CPU time, read from `/proc` (proc(5)).
//!
//! Elsewhere than on Linux every function is an error of kind `Unsupported`.

use std::time::Duration;
use std::{fs, io};

/// `/proc` counts CPU time in `USER_HZ`, which the kernel fixes at 100 for user space on every
/// architecture that Rust supports.
const TICKS_PER_SECOND: f64 = 100.0;

/// Resident set size of `pid` now, in bytes.
pub fn resident_bytes(pid: u32) -> io::Result<u64> {
    status_bytes(pid, "VmRSS:")
}

/// The largest resident set size that `pid` ever had, in bytes.
pub fn peak_resident_bytes(pid: u32) -> io::Result<u64> {
    status_bytes(pid, "VmHWM:")
}

/// CPU time of `pid`, user and system, over all its threads; exact to 10 ms.
pub fn cpu_time(pid: u32) -> io::Result<Duration> {
    let stat = read(pid, "stat")?;
    // The second field is the program's name in parentheses and may itself hold spaces and ')'.
    let fields = stat.rsplit_once(')').map(|(_, rest)| rest);
    // utime and stime are fields 14 and 15 counted from 1; the first one after ')' is field 3.
    let ticks = fields.and_then(|fields| {
        let mut times = fields.split_ascii_whitespace().skip(11).map(str::parse::<u32>);
        let (user, system) = (times.next()?.ok()?, times.next()?.ok()?);
        Some(f64::from(user) + f64::from(system))
    });
    ticks
        .map(|ticks| Duration::from_secs_f64(ticks / TICKS_PER_SECOND))
        .ok_or_else(|| malformed(pid, "stat"))
}

fn status_bytes(pid: u32, key: &str) -> io::Result<u64> {
    read(pid, "status")?
        .lines()
        .find_map(|line| line.strip_prefix(key)?.trim().strip_suffix(" kB")?.parse::<u64>().ok())
        .map(|kib| kib * 1024)
        .ok_or_else(|| malformed(pid, "status"))
}

fn read(pid: u32, file: &str) -> io::Result<String> {
    if cfg!(not(target_os = "linux")) {
        return Err(io::Error::new(
            io::ErrorKind::Unsupported,
            "the cost of a process is read from /proc, which only Linux has",
        ));
    }
    let path = format!("/proc/{pid}/{file}");
    fs::read_to_string(&path).map_err(|e| io::Error::new(e.kind(), format!("{path}: {e}")))
}

fn malformed(pid: u32, file: &str) -> io::Error {
    let what = format!("/proc/{pid}/{file} lacks the expected fields; is the process a zombie?");
    io::Error::new(io::ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_touched_allocation_shows_and_the_peak_stays() {
        let pid = std::process::id();
        let before = resident_bytes(pid).unwrap();
        let ballast = vec![1_u8; 64 << 20];
        let with = resident_bytes(pid).unwrap();
        assert!(with >= before + (48 << 20), "{before} then {with}");
        drop(std::hint::black_box(ballast));
        // The kernel keeps both numbers to within a few pages of each thread.
        assert!(peak_resident_bytes(pid).unwrap() + (1 << 20) >= with);
    }

    #[test]
    fn busy_work_costs_cpu_time() {
        let pid = std::process::id();
        let before = cpu_time(pid).unwrap();
        let started = std::time::Instant::now();
        let mut n = 0_u64;
        while cpu_time(pid).unwrap() < before + Duration::from_millis(50) {
            n = std::hint::black_box(n.wrapping_add(1));
            assert!(started.elapsed() < Duration::from_secs(20), "no CPU time was counted");
        }
    }

    #[test]
    fn a_process_that_is_not_there_is_named() {
        let error = resident_bytes(u32::MAX).unwrap_err().to_string();
        assert!(error.contains("/proc/4294967295/status"), "{error}");
    }
}
