//! Processor time spent, in seconds, as Linux counts it.

/// By the calling thread, to the nanosecond.
pub(crate) fn of_thread() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    let spent: f64 = text.split(' ').next().unwrap().parse().unwrap();
    spent / 1e9
}

/// By all threads of this process, to the hundredth of a second.
pub(crate) fn of_process() -> f64 {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap();
    // The second field is a name in parentheses, which may hold blanks.
    let (_, fields) = text.rsplit_once(") ").unwrap();
    let ticks: f64 = fields
        .split(' ')
        .skip(11)
        .take(2)
        .map(|ticks| ticks.parse::<f64>().unwrap())
        .sum();
    ticks / TICKS
}

/// By everything on this machine, to the hundredth of a second.
pub(crate) fn of_machine() -> f64 {
    let text = std::fs::read_to_string("/proc/stat").unwrap();
    let all = text.lines().next().unwrap().split_whitespace().skip(1);
    // user nice system idle iowait irq softirq; what follows is counted there already or stolen.
    let ticks: f64 = all
        .take(7)
        .enumerate()
        .filter(|(at, _)| ![3, 4].contains(at))
        .map(|(_, ticks)| ticks.parse::<f64>().unwrap())
        .sum();
    ticks / TICKS
}

/// `USER_HZ`, which Linux keeps at this on every machine that Rolecall runs on.
const TICKS: f64 = 100.0;
