//! Several sets of rules asked as one: rules that ask and say the same are asked once, whatever set they are in.

use hashbrown::HashMap;

use crate::ir::{Expr, OutputPart, Priority, Rule};
use crate::plan::{RuleId, RuleSet};

/// The rules of several sets, each different condition once.
///
/// Who asks it has to ask for all that match: which of them fires first is a question of each set.
#[derive(Clone, Debug, Default)]
pub struct Union {
    set: RuleSet,
    /// For each rule of `set`, the rules that it stands for.
    members: Vec<Vec<Member>>,
}

/// A rule of one of the sets.
#[derive(Clone, Copy, Debug)]
struct Member {
    /// Position of its set.
    set: usize,
    rule: RuleId,
    /// Its place in the order in which its set asks.
    rank: u32,
}

impl Union {
    /// The active rules of sets, of each those of the given priority and more severe ones.
    pub fn of(sets: &[(&RuleSet, Priority)]) -> Union {
        let mut known: HashMap<(Expr, &[OutputPart]), usize> = HashMap::new();
        let mut rules: Vec<Rule> = Vec::new();
        let mut members: Vec<Vec<Member>> = Vec::new();
        for (position, &(set, least)) in sets.iter().enumerate() {
            for (id, planned) in (0..).map(RuleId).zip(set.rules()) {
                let rule = planned.rule();
                if !planned.is_active() || rule.priority > least {
                    continue;
                }
                let same = *known.entry((rule.condition.without_places(), &rule.output)).or_insert_with(|| {
                    rules.push(rule.clone());
                    members.push(Vec::new());
                    rules.len() - 1
                });
                members[same].push(Member { set: position, rule: id, rank: set.rank(id) });
            }
        }
        let (set, errors) = RuleSet::plan(rules);
        // Rules of sets compile; one that did not would be in no set.
        for error in errors.iter().rev() {
            members.remove(error.position);
        }
        Union { set, members }
    }

    /// What is to be asked, with [`Policy::All`](crate::Policy::All) and for every priority.
    pub fn rules(&self) -> &RuleSet {
        &self.set
    }

    /// The rules of one of the sets that match, in the order in which that set asks, if those of the union do.
    pub fn of_set(&self, set: usize, matched: &[RuleId], found: &mut Vec<RuleId>) {
        found.clear();
        let members = matched.iter().flat_map(|id| &self.members[id.0 as usize]).filter(|member| member.set == set);
        let mut of_set: Vec<(u32, RuleId)> = members.map(|member| (member.rank, member.rule)).collect();
        of_set.sort_unstable();
        found.extend(of_set.into_iter().map(|(_, rule)| rule));
    }
}
