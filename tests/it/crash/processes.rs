//! What `/proc` tells of the processes that a run has started.

use std::fs;

/// The programs that run in a scenario.
const PROGRAMS: &[&str] = &["wt", "exe", "git", "strace", "sh"];

/// The processes whose environment holds `variable`.
pub(super) fn pids_with(variable: &str) -> Vec<i32> {
    let has_it = |pid: &i32| {
        let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        environment
            .split(|b| *b == 0)
            .any(|v| v == variable.as_bytes())
    };
    all().filter(has_it).collect()
}

/// Whether some process of those programs has lost its memory, and so its environment, and has not ended yet: whose
/// it is can't be told any more.
pub(super) fn any_is_dying() -> bool {
    all()
        .filter_map(Stat::of)
        .any(|stat| PROGRAMS.contains(&stat.name()) && stat.field(23) == "0" && !stat.has_ended())
}

/// Whether it is stopped, at the head of a session of its own.
pub(super) fn is_stopped_leader(pid: i32) -> bool {
    let is_it = |stat: Stat| matches!(stat.field(3), "T" | "t") && stat.field(6) == pid.to_string();
    Stat::of(pid).is_some_and(is_it)
}

pub(super) fn command_line(pid: i32) -> String {
    let words = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    String::from_utf8_lossy(&words).replace('\0', " ")
}

/// The process that traces this one.
pub(super) fn tracer_of(pid: i32) -> Option<i32> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("TracerPid:"))?;
    line.trim().parse().ok().filter(|tracer| *tracer != 0)
}

fn all() -> impl Iterator<Item = i32> {
    let processes = fs::read_dir("/proc").expect("/proc").flatten();
    processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

/// The line of `/proc/<pid>/stat`.
struct Stat(String);

impl Stat {
    fn of(pid: i32) -> Option<Self> {
        fs::read_to_string(format!("/proc/{pid}/stat"))
            .ok()
            .map(Self)
    }

    fn name(&self) -> &str {
        let inside = self.0.split_once('(').map_or("", |(_, rest)| rest);
        inside.rsplit_once(')').map_or("", |(name, _)| name)
    }

    /// A field after the name, by its number in proc(5).
    fn field(&self, number: usize) -> &str {
        let fields = self.0.rsplit_once(") ").map_or("", |(_, rest)| rest);
        fields.split(' ').nth(number - 3).unwrap_or_default()
    }

    fn has_ended(&self) -> bool {
        matches!(self.field(3), "Z" | "X")
    }
}
