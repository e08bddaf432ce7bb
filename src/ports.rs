//! Ports and names for servers that several tasks run side by side.
//!
//! The records of tasks, of spawns under way and of slots are the ledger: what they hold is reserved, and free again once
//! they are gone. No list beside them could keep a port that is nobody's.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fmt;
use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, TcpListener};

use serde::Deserialize;

use crate::contract::Ports;
use crate::digest;
use crate::error::Refusal;
use crate::store::{Operation, Store, list_dirs, read_json};
use crate::workspace::Workspace;

/// Where repositories begin by default: below the ports that systems give to outgoing connections (from 32768 on Linux,
/// from 49152 elsewhere).
const FIRST: u16 = 20_000;
/// How many ports there are to choose from.
const RANGE: u16 = 10_000;
/// Repositories begin this far from each other, so that they seldom want the same ones.
const STRIDE: u16 = 20;
/// What DNS allows a label of a host name.
const LABEL_BYTES: usize = 63;

/// Whom ports are reserved for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Holder<'a> {
    Task(&'a str),
    /// A slot: what runs in the worktree of the task that is judged must not be in the way of the gate.
    Slot(usize),
}

impl Holder<'_> {
    fn name(self, repository: &str) -> String {
        match self {
            Holder::Task(task) => label(&format!("{repository}-{task}")),
            // No task's name begins so.
            Holder::Slot(number) => label(&format!("{repository}-_judge-{number}")),
        }
    }
}

impl fmt::Display for Holder<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Holder::Task(task) => write!(f, "task `{task}`"),
            Holder::Slot(number) => write!(f, "slot {number}"),
        }
    }
}

/// Chooses as many ports as the contract gives to each, of `kept` those that are still free. They are reserved once they
/// stand in the holder's record or intent; the lock of the state must be held until then.
///
/// # Errors
/// A refusal where there are too few free ones.
pub(crate) fn choose(
    ws: &Workspace,
    wanted: &Ports,
    holder: Holder,
    kept: &[u16],
) -> anyhow::Result<Vec<u16>> {
    let count = usize::from(wanted.count);
    if count == 0 {
        return Ok(Vec::new());
    }
    let (holders, own) = (holders(ws)?, holder.to_string());
    let is_others = |port: &u16| {
        let holders = holders.get(port).into_iter().flatten();
        holders.into_iter().any(|name| *name != own)
    };
    let (first, start) = match wanted.from {
        Some(from) => (from, from),
        None => (FIRST, usual_start(&ws.store)),
    };
    let last = first.saturating_add(RANGE - 1);
    let fresh = (start..=last).chain(first..start);
    let mut seen = BTreeSet::new();
    let chosen: Vec<u16> = (kept.iter().copied().chain(fresh))
        .filter(|port| seen.insert(*port) && !is_others(port) && is_free(*port))
        .take(count)
        .collect();
    if chosen.len() < count {
        let what = format!(
            "{count} free ports are wanted, and from {first} to {last} there are {}",
            chosen.len()
        );
        return Err(Refusal::refused(what)
            .hint("end what listens there, remove tasks, or set another `from` under [ports] in wt.toml")
            .into());
    }
    Ok(chosen)
}

/// Lets a task that was away, or shares a port, have others where it must; the locks of task and state must be held.
///
/// # Errors
/// As [`choose`].
pub(crate) fn renew(ws: &Workspace, name: &str) -> anyhow::Result<()> {
    let mut task = ws.store.require_task(name)?;
    let wanted = Ports {
        count: u8::try_from(task.ports.len()).unwrap_or(u8::MAX),
        from: task.ports.iter().min().copied(),
    };
    let chosen = choose(ws, &wanted, Holder::Task(name), &task.ports)?;
    if chosen == task.ports {
        return Ok(());
    }
    let told = shown(&chosen);
    ws.ctx
        .ui
        .say(&format!("task `{name}` has other ports now: {told}"));
    task.ports = chosen;
    ws.store.save_task(&task)
}

/// The live tasks that share a port, each with whom: a record was lost, or put back from a backup.
pub(crate) fn shared(ws: &Workspace) -> anyhow::Result<Vec<(String, String)>> {
    let holders = holders(ws)?;
    let mut found = Vec::new();
    for name in ws.store.task_names()? {
        let own = Holder::Task(&name).to_string();
        let with = |(port, names): (&u16, &BTreeSet<String>)| {
            let other = names.iter().find(|other| **other != own)?;
            let what = format!("{own} and {other} both have port {port}");
            names.contains(&own).then_some(what)
        };
        if let Some(what) = holders.iter().find_map(with) {
            found.push((name, what));
        }
    }
    Ok(found)
}

/// Ports as people read them.
pub(crate) fn shown(ports: &[u16]) -> String {
    let ports: Vec<String> = ports.iter().map(u16::to_string).collect();
    ports.join(", ")
}

/// What a holder's servers are told: a name that is a label of a host name, and its ports.
pub(crate) fn variables(
    ws: &Workspace,
    holder: Holder,
    ports: &[u16],
) -> Vec<(OsString, OsString)> {
    let name = holder.name(&ws.repo.root_and_name().1);
    let numbered = ports.iter().enumerate();
    let ports =
        numbered.map(|(at, port)| (format!("WT_PORT_{at}").into(), port.to_string().into()));
    std::iter::once(("WT_NAME".into(), name.into()))
        .chain(ports)
        .collect()
}

/// Who holds each port. A record that can't be read tells nothing, but whoever listens is noticed.
fn holders(ws: &Workspace) -> anyhow::Result<BTreeMap<u16, BTreeSet<String>>> {
    let mut holders: BTreeMap<u16, BTreeSet<String>> = BTreeMap::new();
    let mut add = |ports: Vec<u16>, holder: Holder| {
        for port in ports {
            holders.entry(port).or_default().insert(holder.to_string());
        }
    };
    for (name, task) in ws.store.tasks()? {
        add(
            task.map_or_else(|_| Vec::new(), |task| task.ports),
            Holder::Task(&name),
        );
    }
    for entry in ws.store.intents()? {
        if let Operation::Spawn { ports, .. } = entry.operation {
            add(ports, Holder::Task(&entry.task));
        }
    }
    for name in list_dirs(&ws.store.root().join("slots"))? {
        if let Ok(number) = name.parse() {
            add(of_slot(&ws.store, number), Holder::Slot(number));
        }
    }
    Ok(holders)
}

fn of_slot(store: &Store, slot: usize) -> Vec<u16> {
    /// What of a slot's record matters here.
    #[derive(Deserialize)]
    struct Record {
        #[serde(default)]
        ports: Vec<u16>,
    }
    let record = read_json(&store.slot_dir(slot).join("slot.json"));
    record
        .ok()
        .flatten()
        .map_or_else(Vec::new, |record: Record| record.ports)
}

/// By the place of the repository, so that it is the same each time.
fn usual_start(store: &Store) -> u16 {
    let hash = digest::hex(&[store.root().as_os_str().as_encoded_bytes()]);
    let number = u16::from_str_radix(&hash[..4], 16).unwrap_or_default();
    FIRST + number % (RANGE / STRIDE) * STRIDE
}

/// Whether nobody listens there on loopback.
fn is_free(port: u16) -> bool {
    let loopback = [
        IpAddr::from(Ipv4Addr::LOCALHOST),
        IpAddr::from(Ipv6Addr::LOCALHOST),
    ];
    loopback.iter().all(|address| {
        let taken = |error: std::io::Error| {
            matches!(
                error.kind(),
                ErrorKind::AddrInUse | ErrorKind::PermissionDenied
            )
        };
        // Any other error is of a machine without such an address.
        !TcpListener::bind((*address, port)).is_err_and(taken)
    })
}

/// `name` as a label of a host name: in lower case, and where that can't be all of it, told from others by a hash.
fn label(name: &str) -> String {
    let lower = name.to_lowercase();
    let words = lower.split(|c: char| !c.is_ascii_alphanumeric());
    let clean = words
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join("-");
    if clean == lower && clean.len() <= LABEL_BYTES {
        return clean;
    }
    let hash = &digest::hex(&[lower.as_bytes()])[..8];
    let stem = &clean[..clean.len().min(LABEL_BYTES - 1 - hash.len())];
    format!("{stem}-{hash}").trim_start_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_name_becomes_a_label_of_its_own(a in "\\PC{1,80}", b in "\\PC{1,80}") {
            let (one, other) = (label(&a), label(&b));
            for label in [&one, &other] {
                let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
                prop_assert!(!label.is_empty() && label.len() <= LABEL_BYTES, "{label}");
                prop_assert!(label.chars().all(allowed), "{label}");
                prop_assert!(!label.starts_with('-') && !label.ends_with('-'), "{label}");
            }
            prop_assert_eq!(one == other, a.to_lowercase() == b.to_lowercase());
        }
    }

    #[test]
    fn a_plain_name_stays_and_another_is_told_apart() {
        assert_eq!(label("shop-feature-auth"), "shop-feature-auth");
        assert_eq!(label("Shop-Auth2"), "shop-auth2");
        let apart = ["a.b", "a_b", "a--b", "a-b-", "größe", "_judge-0"].map(label);
        assert!(
            apart[0].starts_with("a-b-") && apart[5].starts_with("judge-0-"),
            "{apart:?}"
        );
        assert_eq!(apart.iter().collect::<BTreeSet<_>>().len(), apart.len());
    }

    #[test]
    fn a_port_is_free_where_nobody_listens_on_either_loopback() {
        for address in [
            IpAddr::from(Ipv4Addr::LOCALHOST),
            IpAddr::from(Ipv6Addr::LOCALHOST),
        ] {
            let Ok(listener) = TcpListener::bind((address, 0)) else {
                continue;
            };
            let port = listener.local_addr().expect("an address").port();
            assert!(!is_free(port), "{address} {port}");
        }
    }
}
