//! The paths of a glob as an automaton, and the search for a path that several of them share.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::sync::LazyLock;

use regex_automata::dfa::{Automaton as _, StartKind, dense};
use regex_automata::nfa::thompson;
use regex_automata::util::primitives::StateID;
use regex_automata::util::{start, syntax};
use regex_automata::{Anchored, MatchKind};

/// What one automaton may take in memory, finished and while it is built. The globs that people write stay
/// below an eighth of it; those that begin as `*a????` double with each `?` more.
const MAX_AUTOMATON_BYTES: usize = 1 << 19;

/// How many combined states a search may visit before it gives up.
const MAX_STATES: usize = 1 << 15;

/// Decides of one byte string after another whether it is a path of a glob.
#[derive(Clone, Debug)]
pub(super) struct Automaton(dense::DFA<Vec<u32>>);

impl Automaton {
    /// The automaton of all that any of the expressions matches; none if it outgrows its limit.
    pub(super) fn build<'r>(regexes: impl Iterator<Item = &'r str>) -> Option<Automaton> {
        // The syntax is the one that globset itself compiles its expressions with.
        let config = syntax::Config::new().utf8(false).dot_matches_new_line(true);
        Self::build_with(config, &regexes.collect::<Vec<_>>())
    }

    fn build_with(syntax: syntax::Config, regexes: &[&str]) -> Option<Automaton> {
        dense::Builder::new()
            .configure(
                dense::Config::new()
                    .start_kind(StartKind::Anchored)
                    .match_kind(MatchKind::All)
                    .accelerate(false)
                    .dfa_size_limit(Some(MAX_AUTOMATON_BYTES))
                    .determinize_size_limit(Some(MAX_AUTOMATON_BYTES)),
            )
            .syntax(syntax)
            .thompson(
                thompson::Config::new()
                    .utf8(false)
                    .which_captures(thompson::WhichCaptures::None)
                    .nfa_size_limit(Some(MAX_AUTOMATON_BYTES)),
            )
            .build_many(regexes)
            .ok()
            .map(Automaton)
    }

    fn start(&self) -> StateID {
        self.0
            .start_state(&start::Config::new().anchored(Anchored::Yes))
            .expect("an anchored start is built and no byte makes the automaton quit")
    }

    fn step(&self, state: StateID, byte: u8) -> StateID {
        self.0.next_state(state, byte)
    }

    fn is_dead(&self, state: StateID) -> bool {
        self.0.is_dead_state(state)
    }

    fn accepts(&self, state: StateID) -> bool {
        self.0.is_match_state(self.0.next_eoi_state(state))
    }

    /// Whether it accepts the whole of `bytes`.
    #[cfg(test)]
    pub(super) fn accepts_all_of(&self, bytes: &[u8]) -> bool {
        let step = |state, byte: &u8| self.step(state, *byte);
        self.accepts(bytes.iter().fold(self.start(), step))
    }

    fn tells_apart(&self, left: u8, right: u8) -> bool {
        let classes = self.0.byte_classes();
        classes.get(left) != classes.get(right)
    }
}

/// Valid UTF-8. Nothing is lost by it: a stray byte is matched by wildcards alone, and so a control
/// character, which no glob may name, would be matched in its place.
static TEXT: LazyLock<Automaton> = LazyLock::new(|| {
    Automaton::build_with(syntax::Config::new(), &[r"^[^\x00]*$"])
        .expect("a constant within the limit")
});

/// What no tree of git can hold: a segment that is empty, a dot, two dots or git's own folder.
static NO_PATH: LazyLock<Automaton> = LazyLock::new(|| {
    Automaton::build([r"(?-u)^(?:.*/)?(?:\.{0,2}|\.(?i:git))(?:/.*)?$"].into_iter())
        .expect("a constant within the limit")
});

/// Paths that do not count: those in any of `any` and in none of `unless`.
pub(super) struct Exclusion<'a> {
    pub(super) any: Vec<&'a Automaton>,
    pub(super) unless: Vec<&'a Automaton>,
}

/// What a search found.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Search {
    /// A path: fewest characters beyond printable ASCII, then the shortest.
    Path(String),
    /// There is none.
    Nothing,
    /// The limit was reached first.
    GaveUp,
}

/// Looks for a path that a tree of git can hold, that all of `every` match and that is in none of `exclusions`.
pub(super) fn search(every: &[&Automaton], exclusions: &[Exclusion]) -> Search {
    let product = Product::new(every, exclusions);
    let mut nodes: Vec<Node> = Vec::new();
    let mut known: HashMap<Box<[StateID]>, usize> = HashMap::new();
    let mut queue = BinaryHeap::new();
    let start = product.start();
    known.insert(start.clone(), 0);
    nodes.push(Node::new(start, 0, (0, 0)));
    queue.push(Reverse((0_u64, 0_usize)));
    while let Some(Reverse((cost, at))) = queue.pop() {
        if cost > nodes[at].cost {
            continue;
        }
        if product.accepts(&nodes[at].states) {
            return Search::Path(path_to(&nodes, at));
        }
        for &byte in &product.alphabet {
            let Some(states) = product.step(&nodes[at].states, byte) else {
                continue;
            };
            let cost = cost + price(byte);
            if let Some(&next) = known.get(&states) {
                if cost < nodes[next].cost {
                    nodes[next].cost = cost;
                    nodes[next].from = (at, byte);
                    queue.push(Reverse((cost, next)));
                }
                continue;
            }
            if nodes.len() == MAX_STATES {
                return Search::GaveUp;
            }
            known.insert(states.clone(), nodes.len());
            queue.push(Reverse((cost, nodes.len())));
            nodes.push(Node::new(states, cost, (at, byte)));
        }
    }
    Search::Nothing
}

/// A combined state that the search has reached.
struct Node {
    states: Box<[StateID]>,
    cost: u64,
    /// The node before it on the cheapest way, and the byte between.
    from: (usize, u8),
}

impl Node {
    fn new(states: Box<[StateID]>, cost: u64, from: (usize, u8)) -> Node {
        Node { states, cost, from }
    }
}

fn path_to(nodes: &[Node], mut at: usize) -> String {
    let mut bytes = Vec::new();
    while at != 0 {
        let (before, byte) = nodes[at].from;
        bytes.push(byte);
        at = before;
    }
    bytes.reverse();
    String::from_utf8(bytes).expect("TEXT accepts valid UTF-8 alone")
}

/// One for its length; a byte that is not printable ASCII costs more than any path has bytes.
fn price(byte: u8) -> u64 {
    if (b' '..=b'~').contains(&byte) {
        1
    } else {
        1 << 32
    }
}

/// Several automata that read the same bytes.
struct Product<'a> {
    /// First those that have to accept, then those of the exclusions in their order.
    automata: Vec<&'a Automaton>,
    required: usize,
    /// How many of `any` and of `unless` each exclusion has.
    exclusions: Vec<(usize, usize)>,
    /// One byte of each class that no automaton tells apart, the most readable first.
    alphabet: Vec<u8>,
}

impl<'a> Product<'a> {
    fn new(every: &[&'a Automaton], exclusions: &[Exclusion<'a>]) -> Product<'a> {
        let mut automata = every.to_vec();
        automata.push(&TEXT);
        let required = automata.len();
        automata.push(&NO_PATH);
        let mut counts = vec![(1, 0)];
        for exclusion in exclusions {
            automata.extend(&exclusion.any);
            automata.extend(&exclusion.unless);
            counts.push((exclusion.any.len(), exclusion.unless.len()));
        }
        Product {
            alphabet: alphabet(&automata),
            automata,
            required,
            exclusions: counts,
        }
    }

    fn start(&self) -> Box<[StateID]> {
        self.automata
            .iter()
            .map(|automaton| automaton.start())
            .collect()
    }

    /// The combined state after `byte`; none where nothing can be accepted any more.
    fn step(&self, states: &[StateID], byte: u8) -> Option<Box<[StateID]>> {
        let (required, excluding) = self.automata.split_at(self.required);
        let mut next = Vec::with_capacity(states.len());
        for (automaton, state) in required.iter().zip(states) {
            let state = automaton.step(*state, byte);
            if automaton.is_dead(state) {
                return None;
            }
            next.push(state);
        }
        let rest = excluding.iter().zip(&states[self.required..]);
        next.extend(rest.map(|(automaton, state)| automaton.step(*state, byte)));
        Some(next.into_boxed_slice())
    }

    fn accepts(&self, states: &[StateID]) -> bool {
        let mut verdicts = self
            .automata
            .iter()
            .zip(states)
            .map(|(automaton, state)| automaton.accepts(*state));
        // Each exclusion has to be read to its end, so that the next one begins at its own automata.
        let mut count = |many: usize| {
            verdicts
                .by_ref()
                .take(many)
                .filter(|accepts| *accepts)
                .count()
        };
        count(self.required) == self.required
            && self.exclusions.iter().all(|(any, unless)| {
                let hit = count(*any) > 0;
                let spared = count(*unless) > 0;
                !hit || spared
            })
    }
}

fn alphabet(automata: &[&Automaton]) -> Vec<u8> {
    let mut alphabet = Vec::new();
    let mut class = vec![1_u8];
    for byte in 2..=u8::MAX {
        let apart = automata
            .iter()
            .any(|automaton| automaton.tells_apart(byte - 1, byte));
        if apart {
            alphabet.extend(class.drain(..).min_by_key(|byte| readability(*byte)));
        }
        class.push(byte);
    }
    alphabet.extend(class.into_iter().min_by_key(|byte| readability(*byte)));
    alphabet.sort_by_key(|byte| readability(*byte));
    alphabet
}

/// Lower is easier to read in a path.
fn readability(byte: u8) -> (u8, u8) {
    let rank = match byte {
        b'a'..=b'z' => 0,
        b'0'..=b'9' => 1,
        b'A'..=b'Z' => 2,
        b'_' | b'-' | b'.' | b'/' => 3,
        b'!'..=b'~' => 4,
        b' ' => 5,
        _ => 6,
    };
    (rank, byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(regex: &str) -> Automaton {
        Automaton::build([regex].into_iter()).expect("small")
    }

    #[test]
    fn a_found_path_is_one_that_git_can_hold_and_a_person_can_read() {
        for (regex, path) in [
            ("(?-u)^.*$", Some("a")),
            ("(?-u)^.*/.*$", Some("a/a")),
            (r"(?-u)^\..*$", Some(".a")),
            (r"(?-u)^[^a-z/]{2}$", Some("00")),
            (r"(?-u)^\xc3\xa9.*x$", Some("éx")),
            // The shorter way leads through a control character, the longer one does not.
            (r"(?-u)^(?:\x01|abc)$", Some("abc")),
            (r"(?-u)^[\x01\xff]$", Some("\u{1}")),
            (r"(?-u)^\xff$", None),
            (r"(?-u)^a//b$", None),
            (r"(?-u)^/a$", None),
            (r"(?-u)^a/$", None),
            (r"(?-u)^(?:a/)?\.\.?(?:/b)?$", None),
            (r"(?-u)^a/\.[gG]it/hooks$", None),
            (r"(?-u)^$", None),
        ] {
            let found = match search(&[&of(regex)], &[]) {
                Search::Path(path) => Some(path),
                Search::Nothing => None,
                Search::GaveUp => panic!("{regex} is small"),
            };
            assert_eq!(found.as_deref(), path, "{regex}");
        }
    }
}
