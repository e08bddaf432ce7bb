//! The order of a train: who lands before whom, and why.

use jiff::Timestamp;

use crate::task::Line;

/// What of a task decides its place.
#[derive(Clone, Debug)]
pub(crate) struct Rider<'a> {
    pub(crate) name: &'a str,
    /// The tasks that it must not go before; those that are not on the train don't matter.
    pub(crate) after: Vec<String>,
    pub(crate) created: Timestamp,
    /// How many paths it changes.
    pub(crate) size: usize,
}

/// An order, and in words what it goes by.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Order {
    pub(crate) names: Vec<String>,
    pub(crate) reason: String,
}

/// Puts the riders in order: whom they follow, then the oldest, then the smallest, then by name. Riders that follow
/// one another in a circle go as if they did not.
pub(crate) fn order(riders: &[Rider]) -> Order {
    let mut oldest: Vec<&Rider> = riders.iter().collect();
    oldest.sort_by_key(|rider| (rider.created, rider.size, rider.name));
    let mut line = Line::default();
    for rider in riders {
        line.add(rider.name, &rider.after);
    }
    Order {
        reason: reason(riders),
        names: line.sorted(oldest.iter().map(|rider| rider.name.to_owned()).collect()),
    }
}

fn follows(rider: &Rider, other: &Rider) -> bool {
    rider.name != other.name && rider.after.iter().any(|name| name == other.name)
}

fn reason(riders: &[Rider]) -> String {
    let after = |rider: &Rider| {
        let before = riders.iter().filter(|other| follows(rider, other));
        let mut before: Vec<&str> = before.map(|other| other.name).collect();
        before.sort_unstable();
        (!before.is_empty()).then(|| format!("{} after {}", rider.name, before.join(" and ")))
    };
    let mut reasons: Vec<String> = riders.iter().filter_map(after).collect();
    reasons.sort();
    reasons.push("the oldest first".to_owned());
    let mut ages: Vec<Timestamp> = riders.iter().map(|rider| rider.created).collect();
    ages.sort();
    if ages.windows(2).any(|two| two[0] == two[1]) {
        reasons.push("of the same age the smallest".to_owned());
    }
    reasons.join("; ")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rider<'a>(name: &'a str, after: &[&str], created: i64, size: usize) -> Rider<'a> {
        Rider {
            name,
            after: after.iter().map(|name| (*name).to_owned()).collect(),
            created: Timestamp::from_second(created).expect("a time"),
            size,
        }
    }

    fn said(riders: &[Rider]) -> String {
        let order = order(riders);
        format!("{} ({})", order.names.join(", "), order.reason)
    }

    #[test]
    fn it_goes_by_whom_they_follow_then_age_then_size() {
        let age = [rider("new", &[], 2, 0), rider("old", &[], 1, 9)];
        assert_eq!(said(&age), "old, new (the oldest first)");
        let size = [rider("a", &[], 1, 9), rider("b", &[], 1, 2)];
        assert_eq!(
            said(&size),
            "b, a (the oldest first; of the same age the smallest)"
        );
        let after = [
            rider("first", &["last", "elsewhere"], 1, 0),
            rider("mid", &[], 2, 0),
            rider("last", &["mid"], 3, 0),
        ];
        assert_eq!(
            said(&after),
            "mid, last, first (first after last; last after mid; the oldest first)"
        );
        let circle = [rider("x", &["y"], 2, 0), rider("y", &["x"], 1, 0)];
        assert_eq!(order(&circle).names, ["y", "x"]);
    }

    const NAMES: [&str; 8] = ["a", "b", "c", "d", "e", "f", "g", "h"];

    fn riders() -> impl Strategy<Value = Vec<Rider<'static>>> {
        let one = (proptest::bits::u8::ANY, 0i64..5, 0usize..3);
        proptest::collection::vec(one, 0..=8).prop_map(|drawn| {
            let with = |(number, (after, created, size)): (usize, (u8, i64, usize))| {
                // Only those that come before it in this list: no circles.
                let before = (0..number).filter(|bit| after & (1 << bit) != 0);
                let after: Vec<&str> = before.map(|bit| NAMES[bit]).collect();
                rider(NAMES[number], &after, created, size)
            };
            drawn.into_iter().enumerate().map(with).collect()
        })
    }

    proptest! {
        #[test]
        fn nobody_goes_before_whom_it_follows_and_the_list_does_not_matter(
            (riders, mixed) in riders().prop_flat_map(|riders| (Just(riders.clone()), Just(riders).prop_shuffle()))
        ) {
            let names = order(&riders).names;
            prop_assert_eq!(names.len(), riders.len());
            let place = |name: &str| names.iter().position(|other| other == name);
            for rider in &riders {
                prop_assert!(place(rider.name).is_some());
                for before in &rider.after {
                    prop_assert!(place(before) < place(rider.name));
                }
            }
            // Two neighbours that could change places stand by age and size.
            for two in names.windows(2) {
                let of = |name: &String| riders.iter().find(|r| r.name == name).expect("there");
                let (one, next) = (of(&two[0]), of(&two[1]));
                let by = |rider: &Rider| (rider.created, rider.size, rider.name.to_owned());
                prop_assert!(next.after.contains(&two[0]) || by(one) < by(next));
            }
            prop_assert_eq!(order(&mixed), order(&riders));
        }
    }
}
