//! Asking the rules of a set about one event after another.
//!
//! # How an event is answered
//!
//! What rules ask is a short list of *questions* (left sides of comparisons; see [`crate::question`]). The answer to
//! one, a set of comparisons that are true, turns every rule into a shorter one, and most into `false`. So the rules
//! that are left are a state, the next question leads from it to another state, and a state in which no question is
//! left says which rules match. States are made when an event first leads there, and found again by every event that
//! is answered the same way, as the states of a lazily built automaton are. An event therefore costs a few questions,
//! however many rules there are; a rule costs when a state is made.
//!
//! 1. The kind of event gives the rules to ask. For many kinds there is none.
//! 2. Questions that a part of the actor's state decides ([`Scope`]: image, container, lineage) have been answered
//!    when that state first came up. Their answers are the actor's *profile*; few profiles cover a whole trace.
//! 3. The first state for a (profile, kind) has the rules that both leave: for most events, none.
//! 4. From there, questions about the event: in each state the one that is likely to rule out the most rules for
//!    what it costs.
//!
//! Most that is asked are opens, and most that is asked of them is told by two numbers, one of the call and one of the
//! file ([`Subject::open_key`]): where these have led from a state before, they lead again, whatever questions are
//! between.
//!
//! Which answers are usual is counted for the first events; then states are made anew.
//!
//! Results are those of asking every comparison of every event anew: all values are functions of the event, so that
//! neither order nor memory can change them.
//!
//! # Memory
//!
//! A matcher holds at most 32 MiB (`MAX_MEMORY` unless told otherwise, and what one event adds) and then starts anew. Who sends events that
//! are all different makes it work about as much as a walk through all rules would.

use hashbrown::HashMap;
use tracehound_fields::{ActorId, Actors, OpenKey, OpenPart, Scope, Subject};

use crate::bits::Bits;
use crate::ir::Priority;
use crate::plan::{Policy, RuleId, RuleSet};
use crate::predicate::{Program, Restriction};
use crate::question::{Answers, NOT_ASKED};

/// Bytes that a matcher remembers before it starts anew.
const MAX_MEMORY: usize = 32 << 20;

/// Bytes that a state of an actor takes, with the rows for its parts.
const ACTOR_MEMORY: usize = 256;

/// Events after which states are made anew, from what was usual until then.
const FIRST_COUNTED: u32 = 256;
const COUNTED: u32 = 1 << 13;

/// Places for what opens led to; a power of two.
const JUMPS: usize = 1 << 12;

/// Not known yet.
const NONE: u32 = u32::MAX;

/// Asks the rules of a set about one event after another. One for each thread; it only holds what can be found
/// again, so that answers do not depend on what was asked before.
#[derive(Clone, Debug)]
pub struct Matcher<'r> {
    set: &'r RuleSet,
    policy: Policy,
    /// Rules of a priority that is asked for.
    is_wanted: Bits,
    actors: Actors,
    /// By number of the question.
    answers: Vec<Answers>,
    profiles: Profiles,
    /// For each [`ActorId`] its profile.
    profile_of: Vec<u32>,
    states: Vec<State>,
    /// Numbers of states by what is left to ask.
    known: HashMap<Open, u32>,
    /// Where opens led, each in its place, the last one that came there.
    jumps: Box<[Jump]>,
    restriction: Restriction,
    /// Events whose answers were counted.
    n_counted: u32,
    /// Bytes in everything above that grows.
    memory: usize,
    /// Bytes after which it starts anew.
    max_memory: usize,
}

/// What an actor's state answers.
#[derive(Clone, Debug, Default)]
struct Profiles {
    rows: Vec<Profile>,
    /// Numbers by those of the parts.
    numbers: HashMap<[u32; Scope::ALL.len()], u32>,
    parts: [Parts; Scope::ALL.len()],
}

/// What parts of actors' states answer: the answers to the questions of their scope, in order.
#[derive(Clone, Debug, Default)]
struct Parts {
    /// For each part, which of `rows` has its answers.
    row_of: Vec<u32>,
    rows: Vec<Box<[u32]>>,
    numbers: HashMap<Box<[u32]>, u32>,
}

#[derive(Clone, Debug)]
struct Profile {
    /// The rows of its parts; [`NONE`] for one whose questions have to be asked at every event.
    parts: [u32; Scope::ALL.len()],
    /// Rules that its answers leave.
    possible: Bits,
    /// For each list of the set, the state to begin with.
    starts: Vec<u32>,
}

/// What is known and what is left to ask after some questions.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Open {
    /// Rules that match, in order.
    matched: Vec<RuleId>,
    /// Rules that may, in order, with what is left of their conditions.
    left: Vec<(RuleId, Program)>,
}

#[derive(Clone, Debug)]
struct State {
    open: Open,
    /// What to ask next; [`NOT_ASKED`] if nothing is left.
    question: u32,
    /// The part of [`Subject::open_key`] that decides the answer.
    told_by: Option<OpenPart>,
    /// By answer, the state that it leads to.
    next: Vec<u32>,
}

/// Where an open leads from a state, over all questions that what is known of it decides.
#[derive(Clone, Copy, Debug)]
struct Jump {
    from: u32,
    to: u32,
    call: u64,
    /// [`NO_FILE`] if only what the call decides is jumped over.
    file: u64,
}

/// More than the number of any file.
const NO_FILE: u64 = u64::MAX;

impl Jump {
    /// The place of a jump.
    #[inline]
    fn slot(from: u32, call: u64, file: u64) -> usize {
        const BITS: u32 = JUMPS.ilog2();
        let mixed = (call ^ file.rotate_left(20) ^ u64::from(from) << 48).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (mixed >> (u64::BITS - BITS)) as usize
    }
}

impl<'r> Matcher<'r> {
    /// A matcher for rules of priority `least` and more severe ones.
    pub fn new(set: &'r RuleSet, policy: Policy, least: Priority) -> Matcher<'r> {
        let rules = set.rules();
        let wanted = (0..rules.len()).filter(|&i| rules[i].rule().priority <= least);
        let mut matcher = Matcher {
            set,
            policy,
            is_wanted: Bits::of(rules.len(), wanted),
            actors: Actors::default(),
            answers: Vec::new(),
            profiles: Profiles::default(),
            profile_of: Vec::new(),
            states: Vec::new(),
            known: HashMap::new(),
            jumps: Box::default(),
            restriction: Restriction::default(),
            n_counted: 0,
            memory: 0,
            max_memory: MAX_MEMORY,
        };
        matcher.clear();
        matcher
    }

    /// The same with another bound of what it remembers, in bytes; see the module.
    pub fn with_memory(mut self, max: usize) -> Matcher<'r> {
        self.max_memory = max;
        self
    }

    /// To be called before events of another history are asked, or of the same one that has grown: what rows said
    /// about themselves may have become more.
    pub fn refresh(&mut self) {
        self.actors.refresh();
    }

    /// Bytes that it remembers; see the module for their bound.
    pub fn memory(&self) -> usize {
        self.memory
    }

    fn clear(&mut self) {
        self.actors.clear();
        self.answers = self.set.questions().all.iter().map(Answers::new).collect();
        self.profiles = Profiles::default();
        self.profile_of.clear();
        self.states.clear();
        self.known.clear();
        self.jumps = Box::default();
        self.n_counted = 0;
        self.memory = 0;
    }

    /// The rules that match an event, in the order in which they are asked: that of definition, unless rules were
    /// enabled later.
    pub fn matches<S: Subject + ?Sized>(&mut self, subject: &S) -> &[RuleId] {
        let set = self.set;
        let Some(list) = set.list_of_kind(subject.kind_code()) else { return &[] };
        if set.list(list).rules.is_empty() {
            return &[];
        }
        if self.memory > self.max_memory || self.n_counted < COUNTED {
            self.make_room();
        }
        let profile = self.profile(subject);
        let mut at = self.profiles.rows[profile as usize].starts[list as usize];
        if at == NONE {
            at = self.start(profile, list);
        }
        // For most events nothing is to be asked.
        if self.states[at as usize].question != NOT_ASKED {
            at = self.follow(at, subject);
        }
        &self.states[at as usize].open.matched
    }

    /// Starts anew if it holds too much, and counts an event as long as events are counted.
    #[cold]
    fn make_room(&mut self) {
        if self.memory > self.max_memory {
            self.clear();
        }
        if self.n_counted < COUNTED {
            self.count();
        }
    }

    /// Asks from a state on. The state in which nothing is left to ask.
    #[inline(never)]
    fn follow<S: Subject + ?Sized>(&mut self, mut at: u32, subject: &S) -> u32 {
        // What is usual is counted without jumps.
        if self.states[at as usize].told_by.is_some()
            && self.n_counted == COUNTED
            && let Some(key) = subject.open_key()
        {
            at = self.jump(at, key, subject);
        }
        while self.states[at as usize].question != NOT_ASKED {
            at = self.ask(at, subject);
        }
        at
    }

    /// Asks the question of a state. The state that the answer leads to.
    fn ask<S: Subject + ?Sized>(&mut self, at: u32, subject: &S) -> u32 {
        let State { question, next, .. } = &self.states[at as usize];
        let answers = &mut self.answers[*question as usize];
        let answer = answers.ask(self.set, *question, subject, &mut self.memory);
        if self.n_counted < COUNTED {
            answers.count(answer);
        }
        match next.get(answer as usize) {
            Some(&next) if next != NONE => next,
            _ => self.step(at, answer),
        }
    }

    /// Where an open leads from a state whose question is told by it.
    fn jump<S: Subject + ?Sized>(&mut self, from: u32, key: OpenKey, subject: &S) -> u32 {
        let OpenKey { call, file } = key;
        let file = file.unwrap_or(NO_FILE);
        let slot = Jump::slot(from, call, file);
        if let Some(jump) = self.jumps.get(slot)
            && (jump.from, jump.call, jump.file) == (from, call, file)
        {
            return jump.to;
        }
        let mut to = from;
        loop {
            to = match self.states[to as usize].told_by {
                Some(OpenPart::Call) if file != NO_FILE => self.jump(to, OpenKey { call, file: None }, subject),
                Some(OpenPart::Call) => self.ask(to, subject),
                Some(OpenPart::File) if file != NO_FILE => self.ask(to, subject),
                Some(OpenPart::File) | None => break,
            };
        }
        if self.jumps.is_empty() {
            self.jumps = vec![Jump { from: NONE, to: NONE, call: 0, file: 0 }; JUMPS].into();
            self.memory += size_of_val(&*self.jumps);
        }
        self.jumps[slot] = Jump { from, to, call, file };
        to
    }

    /// Counts an event. The first ones show which answers are usual; then states are made anew, to ask in a better
    /// order.
    fn count(&mut self) {
        self.n_counted += 1;
        if self.n_counted == FIRST_COUNTED || self.n_counted == COUNTED {
            self.states.clear();
            self.known.clear();
            self.profiles.rows.iter_mut().for_each(|row| row.starts.fill(NONE));
        }
    }

    /// The profile of the actor of an event.
    fn profile<S: Subject + ?Sized>(&mut self, subject: &S) -> u32 {
        match subject.actor(&mut self.actors) {
            Some(actor) => match self.profile_of.get(actor.0 as usize) {
                Some(&profile) if profile != NONE => profile,
                _ => self.new_profile(actor, subject),
            },
            None => self.profile_with([NONE; Scope::ALL.len()]),
        }
    }

    /// The profile of an actor that was not asked before.
    #[cold]
    fn new_profile<S: Subject + ?Sized>(&mut self, actor: ActorId, subject: &S) -> u32 {
        let parts = Scope::ALL.map(|scope| self.part(scope, actor, subject));
        let profile = self.profile_with(parts);
        if self.profile_of.len() <= actor.0 as usize {
            self.profile_of.resize(actor.0 as usize + 1, NONE);
        }
        self.profile_of[actor.0 as usize] = profile;
        self.memory += ACTOR_MEMORY;
        profile
    }

    /// What the part of an actor's state answers to the questions of the scope.
    fn part<S: Subject + ?Sized>(&mut self, scope: Scope, actor: ActorId, subject: &S) -> u32 {
        let Some(part) = self.actors.part(actor, scope) else { return NONE };
        let parts = &mut self.profiles.parts[scope as usize];
        if parts.row_of.len() <= part as usize {
            parts.row_of.resize(part as usize + 1, NONE);
        }
        if parts.row_of[part as usize] == NONE {
            let mut answers = Vec::new();
            for &question in &self.set.questions().by_scope[scope as usize] {
                answers.push(self.answers[question as usize].ask(self.set, question, subject, &mut self.memory));
            }
            parts.row_of[part as usize] = *parts.numbers.entry(answers.into()).or_insert_with_key(|answers| {
                self.memory += 2 * size_of_val(&**answers) + 64;
                parts.rows.push(answers.clone());
                parts.rows.len() as u32 - 1
            });
        }
        parts.row_of[part as usize]
    }

    fn profile_with(&mut self, parts: [u32; Scope::ALL.len()]) -> u32 {
        if let Some(&profile) = self.profiles.numbers.get(&parts) {
            return profile;
        }
        let mut possible = self.is_wanted.clone();
        for (question, answer) in self.profiles.answers(self.set, parts) {
            possible.intersect(&self.answers[question as usize].row(answer).possible);
        }
        let starts = vec![NONE; self.set.n_lists()];
        self.memory += possible.memory() + size_of_val(starts.as_slice()) + size_of::<Profile>() + 64;
        self.profiles.rows.push(Profile { parts, possible, starts });
        let profile = self.profiles.rows.len() as u32 - 1;
        self.profiles.numbers.insert(parts, profile);
        profile
    }

    /// The state to begin with for a profile and a list of rules.
    fn start(&mut self, profile: u32, list: u32) -> u32 {
        let row = &self.profiles.rows[profile as usize];
        let kinds = self.set.list(list);
        let mut possible = row.possible.clone();
        possible.intersect(&kinds.is_asked);
        let questions = self.set.questions();
        let mut answered = vec![NONE; questions.all.len()];
        for (question, answer) in self.profiles.answers(self.set, row.parts) {
            answered[question as usize] = answer;
        }
        let known = |leaf: u32| {
            let (question, bit) = questions.of_leaf[leaf as usize];
            if question == NOT_ASKED {
                return Some(kinds.is_true.binary_search(&leaf).is_ok());
            }
            let answer = answered[question as usize];
            (answer != NONE).then(|| self.answers[question as usize].row(answer).is_true.contains(bit as usize))
        };
        let mut open = Open::default();
        for rule in possible.iter().map(|rule| RuleId(rule as u32)) {
            open.add(rule, self.set.program(rule).restricted(known, &mut self.restriction));
        }
        let state = self.state(open);
        self.profiles.rows[profile as usize].starts[list as usize] = state;
        state
    }

    /// The state that an answer to the question of a state leads to.
    fn step(&mut self, at: u32, answer: u32) -> u32 {
        let State { open, question, .. } = &self.states[at as usize];
        let question = *question;
        let row = self.answers[question as usize].row(answer);
        let known = |leaf: u32| self.set.questions().result(question, leaf, &row.is_true);
        let mut next = Open { matched: open.matched.clone(), left: Vec::new() };
        for (rule, program) in &open.left {
            if row.possible.contains(rule.0 as usize) {
                next.add(*rule, program.restricted(known, &mut self.restriction));
            }
        }
        let next = self.state(next);
        let to = &mut self.states[at as usize].next;
        if to.len() <= answer as usize {
            self.memory += (answer as usize + 1 - to.len()) * size_of::<u32>();
            to.resize(answer as usize + 1, NONE);
        }
        to[answer as usize] = next;
        next
    }

    /// The number of a state.
    fn state(&mut self, mut open: Open) -> u32 {
        open.matched.sort_unstable_by_key(|&rule| self.set.rank(rule));
        if self.policy == Policy::First
            && let Some(&first) = open.matched.first()
        {
            open.matched.truncate(1);
            open.left.retain(|&(rule, _)| self.set.rank(rule) < self.set.rank(first));
        }
        if let Some(&state) = self.known.get(&open) {
            return state;
        }
        let question = self.next_question(&open);
        self.memory += 2 * open.memory() + size_of::<State>() + 64;
        self.known.insert(open.clone(), self.states.len() as u32);
        let told_by = if question == NOT_ASKED { None } else { self.set.question(question).told_by };
        self.states.push(State { open, question, told_by, next: Vec::new() });
        self.states.len() as u32 - 1
    }

    /// The question to ask of what is left: the one that is likely to rule out the most rules for what it costs. It
    /// is of some rule that is left, so that every question leaves less.
    fn next_question(&self, open: &Open) -> u32 {
        let questions = self.set.questions();
        let mut gains: HashMap<u32, u64> = HashMap::new();
        for (rule, program) in &open.left {
            let mut own: Vec<u32> = program.leaves().map(|leaf| questions.of_leaf[leaf as usize].0).collect();
            own.sort_unstable();
            own.dedup();
            for question in own {
                *gains.entry(question).or_default() += self.answers[question as usize].rules_out(*rule);
            }
        }
        // What rules nothing out is asked last, the cheapest first. Equal ones in order of definition.
        let worth =
            |question: u32, gain: u64| ((gain + 1) << 20) / u64::from(questions.all[question as usize].cost.max(1));
        let best =
            gains.into_iter().max_by_key(|&(question, gain)| (worth(question, gain), std::cmp::Reverse(question)));
        best.map_or(NOT_ASKED, |(question, _)| question)
    }
}

impl Profiles {
    /// The questions that a profile with these parts has answered, with the answers.
    fn answers<'a>(
        &'a self,
        set: &'a RuleSet,
        parts: [u32; Scope::ALL.len()],
    ) -> impl Iterator<Item = (u32, u32)> + 'a {
        Scope::ALL.into_iter().filter(move |&scope| parts[scope as usize] != NONE).flat_map(move |scope| {
            let questions = set.questions().by_scope[scope as usize].iter();
            let answers = self.parts[scope as usize].rows[parts[scope as usize] as usize].iter();
            questions.copied().zip(answers.copied())
        })
    }
}

impl Open {
    fn add(&mut self, rule: RuleId, program: Program) {
        match program.constant() {
            Some(true) => self.matched.push(rule),
            Some(false) => {}
            None => self.left.push((rule, program)),
        }
    }

    fn memory(&self) -> usize {
        let programs: usize = self.left.iter().map(|(_, program)| program.memory()).sum();
        programs + size_of_val(self.matched.as_slice()) + size_of_val(self.left.as_slice())
    }
}
