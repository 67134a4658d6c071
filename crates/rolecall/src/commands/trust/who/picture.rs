//! Who reaches what, as a picture: subjects on the left, roles on the right, lines between.

use std::collections::BTreeMap;

use super::{Group, Reached, counted, listed};

/// A graph in the language of Graphviz.
pub fn dot(reached: &Reached) -> String {
    let mut text = String::from(
        "digraph who {\n  rankdir=LR;\n  node [shape=box, fontname=\"monospace\", fontsize=10];\n",
    );
    let groups = &reached.groups;
    for (number, group) in groups.iter().enumerate() {
        let lines = listed(&group.subjects, SUBJECTS_SHOWN);
        let label: Vec<String> = lines.iter().map(|line| quoted(line)).collect();
        // `\l` ends a line and sets it to the left.
        text.push_str(&format!(
            "  s{number} [label=\"{}\\l\"];\n",
            label.join("\\l")
        ));
    }
    let roles = numbered(groups);
    let extra = reached
        .unused
        .iter()
        .filter(|role| !roles.contains_key(role.as_str()));
    for (role, number) in &roles {
        text.push_str(&format!(
            "  r{number} [label=\"{}\", shape=ellipse];\n",
            quoted(role)
        ));
    }
    for (number, role) in extra.enumerate() {
        text.push_str(&format!(
            "  u{number} [label=\"{}\", shape=ellipse, style=dashed];\n",
            quoted(role)
        ));
    }
    for (number, group) in groups.iter().enumerate() {
        for role in &group.roles {
            text.push_str(&format!("  s{number} -> r{};\n", roles[role.as_str()]));
        }
    }
    text.push_str("}\n");
    text
}

/// The roles that are reached, each with a number, in the order in which groups reach them.
fn numbered(groups: &[Group]) -> BTreeMap<&str, usize> {
    let mut numbers = BTreeMap::new();
    for role in groups.iter().flat_map(|group| &group.roles) {
        let next = numbers.len();
        numbers.entry(role.as_str()).or_insert(next);
    }
    numbers
}

fn quoted(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}

/// A picture that needs nothing else to be shown.
pub fn svg(reached: &Reached) -> String {
    let drawn = &reached.groups[..reached.groups.len().min(GROUPS_DRAWN)];
    let blocks = blocks(drawn);
    let (roles, left_out) = placed(drawn, &blocks);
    let mut labels: Vec<(&str, bool)> = roles.iter().map(|role| (*role, true)).collect();
    let room = ROLES_DRAWN.saturating_sub(labels.len());
    labels.extend(
        reached
            .unused
            .iter()
            .take(room)
            .map(|role| (role.as_str(), false)),
    );
    let left = blocks.iter().flat_map(|block| &block.lines);
    let left_width = width_of(left.map(String::as_str)) + 2.0 * PAD;
    let cut_roles: Vec<String> = labels.iter().map(|(role, _)| cut(role)).collect();
    let right_width = width_of(cut_roles.iter().map(String::as_str)) + 2.0 * PAD;
    let right = MARGIN + left_width + GAP;
    let row = |at: usize| TOP + at as f64 * (ROW + 8.0);
    let bottom = blocks.last().map_or(TOP, |block| block.y + block.height);
    let height = bottom.max(row(labels.len())) + 2.0 * ROW;
    let width = right + right_width + MARGIN;
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" \
         width=\"{width:.0}\" height=\"{height:.0}\" role=\"img\">\n<title>Who can assume what</title>\n{STYLE}\n"
    );
    let heading = |x: f64, words: &str| {
        format!(
            "<text class=\"head\" x=\"{x:.1}\" y=\"{:.1}\">{words}</text>\n",
            TOP - 14.0
        )
    };
    text.push_str(&heading(MARGIN, "Subjects"));
    text.push_str(&heading(right, "Roles"));
    for (group, block) in drawn.iter().zip(&blocks) {
        let from = (MARGIN + left_width, block.y + block.height / 2.0);
        for role in &group.roles {
            let Some(at) = roles.iter().position(|known| known == role) else {
                continue;
            };
            let to = (right, row(at) + ROW / 2.0);
            let middle = (from.0 + to.0) / 2.0;
            text.push_str(&format!(
                "<path d=\"M{:.1} {:.1}C{middle:.1} {:.1} {middle:.1} {:.1} {:.1} {:.1}\"/>\n",
                from.0, from.1, from.1, to.1, to.0, to.1
            ));
        }
    }
    for (group, block) in drawn.iter().zip(&blocks) {
        let class = if group.roles.is_empty() {
            "box none"
        } else {
            "box"
        };
        text.push_str(&boxed(class, MARGIN, block.y, left_width, block.height, ""));
        for (at, line) in block.lines.iter().enumerate() {
            text.push_str(&label(MARGIN + PAD, block.y + at as f64 * ROW, line));
        }
    }
    for (at, ((role, used), shown)) in labels.iter().zip(&cut_roles).enumerate() {
        let open = reached.open.iter().any(|open| open == role);
        let class = match (used, open) {
            (false, _) => "box none",
            (true, true) => "box open",
            (true, false) => "box",
        };
        text.push_str(&boxed(class, right, row(at), right_width, ROW, role));
        text.push_str(&label(right + PAD, row(at), shown));
    }
    text.push_str(&notes(reached, left_out, height));
    text.push_str("</svg>\n");
    text
}

/// A group's place in the picture.
struct Block {
    lines: Vec<String>,
    y: f64,
    height: f64,
}

fn blocks(groups: &[Group]) -> Vec<Block> {
    let mut y = TOP;
    groups
        .iter()
        .map(|group| {
            let lines: Vec<String> = listed(&group.subjects, SUBJECTS_SHOWN)
                .iter()
                .map(|line| cut(line))
                .collect();
            let height = lines.len() as f64 * ROW;
            let block = Block { lines, y, height };
            y += height + 14.0;
            block
        })
        .collect()
}

/// The roles that are reached, each as near as can be to the groups that reach it, and how many
/// are left out.
fn placed<'g>(groups: &'g [Group], blocks: &[Block]) -> (Vec<&'g str>, usize) {
    let mut heights: BTreeMap<&str, (f64, f64)> = BTreeMap::new();
    for (group, block) in groups.iter().zip(blocks) {
        for role in &group.roles {
            let entry = heights.entry(role).or_default();
            entry.0 += block.y + block.height / 2.0;
            entry.1 += 1.0;
        }
    }
    let mut placed: Vec<(&str, f64)> = heights
        .into_iter()
        .map(|(role, (sum, count))| (role, sum / count))
        .collect();
    placed.sort_by(|one, other| one.1.total_cmp(&other.1).then(one.0.cmp(other.0)));
    let left_out = placed.len().saturating_sub(ROLES_DRAWN);
    placed.truncate(ROLES_DRAWN);
    (placed.into_iter().map(|(role, _)| role).collect(), left_out)
}

fn notes(reached: &Reached, roles_left_out: usize, height: f64) -> String {
    let mut words = Vec::new();
    let groups_left_out = reached.groups.len().saturating_sub(GROUPS_DRAWN);
    if groups_left_out > 0 {
        words.push(format!(
            "{} not drawn",
            counted(groups_left_out, "smaller group")
        ));
    }
    if roles_left_out > 0 {
        words.push(format!("{} not drawn", counted(roles_left_out, "role")));
    }
    if !reached.open.is_empty() {
        words.push("thick: admits any subject of its issuer".to_owned());
    }
    if !reached.unused.is_empty() || reached.groups.iter().any(|group| group.roles.is_empty()) {
        words.push("dashed: reaches nothing, or is reached by none".to_owned());
    }
    match words.is_empty() {
        true => String::new(),
        false => format!(
            "<text class=\"note\" x=\"{MARGIN:.1}\" y=\"{:.1}\">{}</text>\n",
            height - ROW / 2.0,
            words.join("; ")
        ),
    }
}

fn boxed(class: &str, x: f64, y: f64, width: f64, height: f64, title: &str) -> String {
    let title = match title.is_empty() {
        true => String::new(),
        false => format!("<title>{}</title>", escaped(title)),
    };
    format!(
        "<rect class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" rx=\"4\">{title}</rect>\n"
    )
}

fn label(x: f64, y: f64, text: &str) -> String {
    format!(
        "<text x=\"{x:.1}\" y=\"{:.1}\">{}</text>\n",
        y + ROW * 0.7,
        escaped(text)
    )
}

/// A text for XML 1.0, which has no room for control characters.
fn escaped(text: &str) -> String {
    text.chars()
        .map(|char| match char {
            '&' => "&amp;".to_owned(),
            '<' => "&lt;".to_owned(),
            '>' => "&gt;".to_owned(),
            '"' => "&quot;".to_owned(),
            char if char.is_control() || ('\u{fffe}'..='\u{ffff}').contains(&char) => {
                '\u{fffd}'.to_string()
            }
            char => char.to_string(),
        })
        .collect()
}

/// A text of bounded length, its middle left out.
fn cut(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    if chars.len() <= LONGEST {
        return text.to_owned();
    }
    let half = (LONGEST - 1) / 2;
    let (head, tail) = (&chars[..half], &chars[chars.len() - half..]);
    head.iter().chain(&['…']).chain(tail).collect()
}

fn width_of<'t>(texts: impl Iterator<Item = &'t str>) -> f64 {
    let longest = texts.map(|text| text.chars().count()).max().unwrap_or(0);
    longest.max(8) as f64 * CHARACTER
}

/// Neutral on light and dark grounds.
const STYLE: &str = "<style>text{font:12px ui-monospace,Menlo,Consolas,monospace;fill:#1f2933}\
    .head{font-weight:bold}.note{fill:#6b7683}.box{fill:#f4f6f8;stroke:#8895a3}\
    .open{stroke-width:3}.none{stroke-dasharray:4 3}path{fill:none;stroke:#8895a3;stroke-opacity:.7}\
    @media (prefers-color-scheme:dark){text{fill:#e4e8ec}.note{fill:#9aa5b1}.box{fill:#242c34;stroke:#7b8794}path{stroke:#7b8794}}</style>";
/// Subjects of a group that are drawn.
const SUBJECTS_SHOWN: usize = 6;
const GROUPS_DRAWN: usize = 200;
const ROLES_DRAWN: usize = 300;
/// Characters of a text that are drawn.
const LONGEST: usize = 72;
/// Measures in pixels.
const CHARACTER: f64 = 7.3;
const ROW: f64 = 20.0;
const PAD: f64 = 8.0;
const GAP: f64 = 180.0;
const MARGIN: f64 = 16.0;
const TOP: f64 = 40.0;
