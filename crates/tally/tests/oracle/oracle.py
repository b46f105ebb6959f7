#!/usr/bin/env python3
"""An independent oracle for the tally: what every station, total and seat is, from the whole set of submissions.

Reads worlds as JSON on stdin, writes results as JSON on stdout (see README.md). Written from the design and the rules
page, to be read: every answer is worked out from the definitions each time; nothing is remembered between two steps.
"""
import json
import sys
from fractions import Fraction

INVALID_SHARE_HIGH_PERCENT = 3
FAR_APART_BALLOTS, FAR_APART_PERCENT = 10, 2
RANK = {"operator": 0, "territorial": 1, "district": 1, "central": 2}
STATES = ("counted", "held", "contested", "annulled", "missing")

def evaluate(world):
    """One world's result."""
    submissions = sorted({s["digest"]: s for s in world["submissions"]}.values(), key=lambda s: s["digest"])
    law = amended(world["definition"], submissions)
    refused = {s["digest"]: [refusal(law, s)] for s in submissions if refusal(law, s)}
    valid = [s for s in submissions if s["digest"] not in refused]
    standing_of_amendment, too_late = amendments_stand(law, [s for s in valid if s["kind"] == "amendment"])
    refused.update({digest: ["UNKNOWN_KEY"] for digest in too_late})
    cells = by_cell(law, [s for s in valid if s["kind"] in ("protocol", "turnout")])
    decisions = [s for s in valid if s["kind"] == "decision"]
    refused.update({s["digest"]: ["NOT_ENTITLED"] for s in decisions if names_what_is_not_its_own(law, cells, s)})
    standing_of_decision, rulings, ties = decided(law, cells, [s for s in decisions if s["digest"] not in refused])
    judged = {cell: judge(law, cell, contents, rulings) for cell, contents in cells.items()}
    for station in law["stations"].values():
        add_station_flags(law, station, cells, judged)
    totals = {contest: over_units(law, contest, cells, judged) for contest in law["contests"]}
    return {
        "stations": {station: station_view(station, judged) for station in law["stations"]},
        "amendments": standing_of_amendment,
        "decisions": standing_of_decision,
        "refused": refused,
        "totals": totals,
        "turnout": {slot: turnout(law, slot, cells, judged) for slot in law["slots"]},
        "seats": {contest: seats(law, contest, totals[contest]["nation"], ties) for contest in law["contests"]},
    }

# --- The definition in force: the frozen core and the gap-free prefix of amendments (D10) ---------------------------
def amended(definition, submissions):
    holders = [("station", station) for station in definition["stations"]]
    holders += [("authority", authority) for authority in definition["authorities"]]
    law = {
        "units": {unit: [row if unit == "regions" else row["id"] for row in definition[unit]]
                  for unit in ("regions", "territories", "districts")},
        "stations": {station["id"]: dict(station) for station in definition["stations"]},
        "contests": {contest["id"]: contest for contest in definition["contests"]},
        "authorities": {authority["id"]: authority for authority in definition["authorities"]},
        "slots": definition["slots"],
        "severities": dict(definition["severities"]),
        "keys": {holder["key"]: (kind, holder["id"]) for kind, holder in holders},
        "revocations": {},  # key -> the submissions that stay valid
        "prefix": [],  # the contents of amendments 1 ... n
        "withdrawn": set(),  # (contest, option)
        "closed": set(),  # stations
    }
    amendments = [s for s in submissions if s["kind"] == "amendment"]
    number = 1
    while True:
        turn = [s for s in amendments if s["number"] == number and not refusal(law, s) and not revoked(law, s)]
        candidates = {s["content"]: s["change"] for s in turn}
        if len(candidates) != 1:  # a gap, or two that differ
            return law
        [(content, change)] = candidates.items()
        apply_change(law, change)
        law["prefix"].append(content)
        number += 1

def amendments_stand(law, amendments):
    """The standing of each amendment, and the submissions refused because only a later number brought their key."""
    contents, standing, too_late = {}, {}, []
    for s in amendments:
        contents.setdefault(s["content"], []).append(s)
    holding = {content: same for content, same in contents.items() if not all(revoked(law, s) for s in same)}
    waiting = [same[0]["number"] for same in holding.values() if same[0]["number"] > len(law["prefix"])]
    for content, same in contents.items():
        number = same[0]["number"]
        if content in law["prefix"]:
            standing[content] = "counted"
        elif content not in holding:
            standing[content] = "held"
        elif number <= len(law["prefix"]):
            too_late += [s["digest"] for s in same]
        else:
            standing[content] = "contested" if waiting.count(number) > 1 else "held"
    return standing, too_late

def apply_change(law, change):
    kind = change["kind"]
    if kind == "key_replaced":
        law["keys"].setdefault(change["key"], next(iter(change["holder"].items())))
    elif kind == "key_revoked":
        law["revocations"][change["key"]] = change["still_valid"]
    elif kind == "option_withdrawn":
        law["withdrawn"].add((change["contest"], change["option"]))
    elif kind == "station_closed":
        law["closed"].add(change["station"])
    elif kind == "polls_close":
        law["stations"][change["station"]]["polls_close"] = change["at"]
    elif kind == "severity_changed":
        law["severities"][change["rule"]] = change["severity"]

def revoked(law, s):
    return s["digest"] not in law["revocations"].get(s["key"], [s["digest"]])

def district_of(contest):
    """The district whose contest it is; none for every other contest."""
    return contest["units"].get("district") if isinstance(contest["units"], dict) else None

def holds(station, contest):
    """Whether the contest is held at the station."""
    return contest["units"] == "all" or station["district"] == district_of(contest)

# --- Refused: unknown key, not entitled (D9). What is impossible in itself is not in a world: see README.md ----------
def refusal(law, s):
    """The code for which a submission is refused, without looking at any other submission; else None."""
    if s["key"] not in law["keys"]:
        return "UNKNOWN_KEY"
    return None if entitled(law, s) else "NOT_ENTITLED"

def entitled(law, s):
    kind_of_holder, holder = law["keys"][s["key"]]
    if s["kind"] in ("protocol", "turnout"):
        return (kind_of_holder, holder) == ("station", s["station"])
    if (kind_of_holder, holder) != ("authority", s["author"]):
        return False
    authority = law["authorities"][holder]
    if s["kind"] == "amendment":
        return authority["role"] in ("central", "operator")
    if authority["role"] in ("central", "operator"):
        return authority["role"] == "central"
    ruling = s["ruling"]
    if ruling["kind"] == "resolve_tie":
        return False
    unit = law["stations"][ruling["station"]]["territory" if authority["role"] == "territorial" else "district"]
    cell = ("protocol", ruling["station"], ruling.get("contest"))
    return authority["unit"] == unit and (ruling["kind"] != "annul_station" or rules_on(law, authority, cell))

def rules_on(law, authority, cell):
    """Whether a commission decides on this contest or turnout slot at the stations of its area."""
    if authority["role"] == "central":
        return True
    district = district_of(law["contests"][cell[2]]) if cell[0] == "protocol" else None
    return district == (authority["unit"] if authority["role"] == "district" else None)

def names_what_is_not_its_own(law, cells, decision):
    """Which contest a content is of is known only when the content is there."""
    named = things_named(decision["ruling"])
    there = {cell for cell, contents in cells.items() if any(("content", cell[1], c) in named for c in contents)}
    return not all(rules_on(law, law["authorities"][decision["author"]], cell) for cell in there)

# --- Contents: (kind, station, contest or slot) -> content -> its submissions (D3) ----------------------------------
def by_cell(law, figures):
    cells = {}
    for station in law["stations"].values():
        held = [contest["id"] for contest in law["contests"].values() if holds(station, contest)]
        cells.update({("protocol", station["id"], contest): {} for contest in held})
        cells.update({("turnout", station["id"], slot): {} for slot in law["slots"]})
    for s in figures:  # in ascending order of digests: the first submission of a content is the one shown
        cell = (s["kind"], s["station"], s["contest"] if s["kind"] == "protocol" else s["slot"])
        cells[cell].setdefault(s["content"], []).append(s)
    return cells

# --- Decisions (D10) ------------------------------------------------------------------------------------------------
def things_named(ruling):
    """What a ruling names, each with what it says of it."""
    kind, station = ruling["kind"], ruling.get("station")
    if kind in ("confirm", "annul"):
        return {("content", station, ruling["content"]): kind}
    if kind == "choose":
        things = {("content", station, content): "set_aside" for content in ruling["set_aside"]}
        return {**things, ("content", station, ruling["chosen"]): "chosen"}
    if kind == "annul_station":
        return {("contest", station, ruling["contest"]): "annul"}
    return {("tie", ruling["contest"], tuple(sorted(ruling["between"])), ruling["seats"]): ruling["winners"]}

def things_ruled(cells, ruling):
    """What a ruling decides: what it names and, where it annuls a station, every content there."""
    if ruling["kind"] != "annul_station":
        return things_named(ruling)
    contents = cells[("protocol", ruling["station"], ruling["contest"])]
    return {**things_named(ruling), **{("content", ruling["station"], content): "annul" for content in contents}}

def rank(law, decision):
    return RANK[law["authorities"][decision["author"]]["role"]]

def outweighs(law, a, b):
    return rank(law, a) > rank(law, b) or (a["author"] == b["author"] and a["number"] > b["number"])

def numbered(decision):
    """What two different decisions may not share: a commission numbers what it decides about one station, or on ties."""
    return decision["author"], decision["number"], decision["ruling"].get("station")

def decided(law, cells, submissions):
    """Each decision's standing, what holds for each content at a station, and what holds for each tie."""
    contents, standing = {}, {}
    for s in submissions:
        contents.setdefault(s["content"], []).append(s)
    for content, same in contents.items():
        if all(revoked(law, s) for s in same):
            standing[content] = "held"
    active = [same[0] for content, same in contents.items() if content not in standing]
    numbers = [numbered(d) for d in active]
    standing.update({d["content"]: "contested" for d in active if numbers.count(numbered(d)) > 1})
    in_force = [d for d in active if d["content"] not in standing]
    holding, confirmed = {}, set()  # thing -> what the weightiest decision says of it; what nothing weightier removes
    for d in sorted(in_force, key=lambda d: (rank(law, d), d["number"], d["author"])):
        says = things_ruled(cells, d["ruling"])
        holding.update(says)
        confirmed -= {thing for thing, word in says.items() if word in ("annul", "set_aside")}
        confirmed |= {thing for thing, word in says.items() if word == "confirm"}
    for d in in_force:
        weightier = [things_ruled(cells, e["ruling"]) for e in in_force if outweighs(law, e, d)]
        overruled = all(any(thing in things for things in weightier) for thing in things_named(d["ruling"]))
        standing[d["content"]] = "superseded" if overruled else "counted"
    rulings = {thing[1:]: (says, thing in confirmed) for thing, says in holding.items() if thing[0] == "content"}
    ties = {thing[1:]: winners for thing, winners in holding.items() if thing[0] == "tie"}
    return standing, rulings, ties

# --- What each content of a cell stands for (D3) --------------------------------------------------------------------
def judge(law, cell, contents, rulings):
    """For each content its revision, standing and rules."""
    says, confirmed = ({content: rulings.get((cell[1], content), (None, False))[i] for content in contents} for i in (0, 1))
    revision = {content: same[0]["revision"] for content, same in contents.items()}
    fires = {content: rules_that_fire(law, contents, content) for content in contents}
    holding = {content for content in contents if is_held(law, contents, content)}
    annulled = {content for content in contents if says[content] in ("annul", "set_aside")}
    standing_revisions = [revision[content] for content in contents if content not in annulled]
    contested = {c for c in contents if c not in annulled and standing_revisions.count(revision[c]) > 1}
    held = {content for content in holding if not confirmed[content]}
    able = [content for content in contents if content not in annulled | contested | held]
    counted = max(able, key=lambda content: revision[content], default=None)
    judged = {}
    for content in contents:
        if content in annulled:
            standing, why = "annulled", "ANNULLED_BY_DECISION" if says[content] == "annul" else "SET_ASIDE_BY_DECISION"
        elif content == counted:
            standing, why = "counted", "CONFIRMED_BY_DECISION" if content in holding else None
        elif counted is not None and revision[content] < revision[counted]:
            standing, why = "superseded", "SUPERSEDED_BY_REVISION"
        elif content in contested:
            standing, why = "contested", "CONTESTED_REVISION"
        else:
            standing, why = "held", None
        rules = fires[content] | ({why} if why else set())
        judged[content] = {"revision": revision[content], "standing": standing, "rules": rules}
    return judged

def rules_that_fire(law, contents, content):
    """Every rule on the content, and on the submission shown, that is not off."""
    shown = contents[content][0]
    return {code for code in figure_rules(law, shown) | attribute_rules(law, shown, contents) if law["severities"][code] != "off"}

def is_held(law, contents, content):
    """Whether a rule on the figures holds, or each of its submissions has some attribute that does."""
    def holds_any(codes):
        return any(law["severities"][code] == "hold" for code in codes)
    same = contents[content]
    return holds_any(figure_rules(law, same[0])) or all(holds_any(attribute_rules(law, s, contents)) for s in same)

def figure_rules(law, s):
    if s["kind"] == "protocol":
        return protocol_rules(law, s)
    return {"TURNOUT_EXCEEDS_REGISTER"} if s["received_a_ballot"] > s["register"] else set()

def attribute_rules(law, s, contents):
    """Rules on what a submission carries beside its content."""
    codes = {"KEY_REVOKED"} if revoked(law, s) else set()
    if s["kind"] == "turnout":
        return codes
    lines = s["lines"]
    voted = lines.get("ballots_issued", lines.get("ballots_found"))
    voters = lines["voters_listed"] + lines.get("voters_added", 0) if "voters_listed" in lines else None
    all_have_voted = bool(voted) and voted == voters
    if s["signed_at"] < law["stations"][s["station"]]["polls_close"] and not all_have_voted:
        codes.add("SIGNED_BEFORE_CLOSE")
    if s["dissent"]:
        codes.add("SIGNATORY_DISSENTS")
    if s["complaints"]:
        codes.add("COMPLAINTS_LODGED")
    before = {content for content, same in contents.items() if same[0]["revision"] == s["revision"] - 1}
    if s["revision"] > 1 and s["supersedes"] not in before:
        codes.add("HISTORY_INCOMPLETE")
    return codes

def protocol_rules(law, protocol):
    """The rules on a protocol's figures. A rule runs only where its lines are on the form and written."""
    contest, lines = law["contests"][protocol["contest"]], protocol["lines"]
    form = {line["meaning"] for line in contest["form"]}
    codes = set()

    def fire(code, a, b, test):
        if a is not None and b is not None and test(a, b):
            codes.add(code)
    def written(*meanings):
        return sum(lines[m] for m in meanings) if all(m in lines for m in meanings) else None
    above, below = (lambda a, b: a > b), (lambda a, b: a < b)
    voters = written("voters_listed", "voters_added") if "voters_added" in form else written("voters_listed")
    issued, found, invalid = written("ballots_issued"), written("ballots_found"), written("ballots_invalid")
    voted, too_many = (issued, "ISSUED_EXCEEDS_VOTERS") if "ballots_issued" in form else (found, "FOUND_EXCEEDS_VOTERS")
    sums = identities(form, protocol)
    for code, ((_, total), parts) in sums.items():
        fire(code, total, sum(parts.values()), lambda a, b: a != b)
    fire("FOUND_EXCEEDS_ISSUED", found, issued, above)
    fire("FOUND_BELOW_ISSUED", found, issued, below)
    fire(too_many, voted, voters, above)
    fire("TURNOUT_COMPLETE", voted, voters, lambda a, b: a == b > 0)
    for part, whole in (("issued_outside", issued), ("issued_absentee", issued), ("found_portable", found)):
        fire("PART_EXCEEDS_WHOLE", written(part), whole, above)
    whole = found if found is not None else written("ballots_valid", "ballots_invalid")
    fire("INVALID_SHARE_HIGH", invalid, whole, lambda a, b: a > 0 and a * 100 >= b * INVALID_SHARE_HIGH_PERCENT)
    if digits_transposed(sums):
        codes.add("DIGITS_TRANSPOSED")
    if any(votes > 0 and (contest["id"], option) in law["withdrawn"] for option, votes in protocol["votes"].items()):
        codes.add("VOTES_FOR_WITHDRAWN")
    return codes

def identities(form, protocol):
    """Sums that must be right: code -> ((name, total), {name: part}); only those with every line written."""
    lines = protocol["lines"]
    code, parts_of_received = "RECEIVED_DIFFERS_FROM_COUNTED", ["ballots_unused", "ballots_valid", "ballots_invalid"]
    if "ballots_issued" in form:
        code, parts_of_received = "BALLOTS_UNBALANCED", ["ballots_unused", "ballots_issued"]
    if "ballots_spoiled" in form:
        parts_of_received = parts_of_received + ["ballots_spoiled"]
    wanted = {"FOUND_DIFFERS_FROM_COUNTED": ("ballots_found", ["ballots_valid", "ballots_invalid"]),
              code: ("ballots_received", parts_of_received)}
    sums = {code: ((total, lines[total]), {part: lines[part] for part in parts})
            for code, (total, parts) in wanted.items() if all(meaning in lines for meaning in [total] + parts)}
    if "ballots_valid" in lines:
        parts = {("votes for", option): votes for option, votes in protocol["votes"].items()}
        parts["against all"] = protocol["against_all"] or 0  # nothing, on a ballot without that line
        sums["SUM_OF_VOTES_DIFFERS"] = (("ballots_valid", lines["ballots_valid"]), parts)
    return sums

def digits_transposed(sums):
    """Whether just one figure of a wrong sum mends it and breaks no other, with two adjacent digits swapped."""
    def right(identity, name=None, value=None):
        (total_name, total), parts = identity
        total = value if name == total_name else total
        return total == sum(value if name == part else count for part, count in parts.items())
    def mends(name, figure):
        concerned = [identity for identity in sums.values() if name == identity[0][0] or name in identity[1]]
        return any(all(right(identity, name, value) for identity in concerned) for value in adjacent_swaps(figure))
    wrong = [identity for identity in sums.values() if not right(identity)]
    figures = [[total, *parts.items()] for total, parts in wrong]
    return any(sum(mends(name, figure) for name, figure in of_one) == 1 for of_one in figures)

def adjacent_swaps(number):
    digits = str(number)
    swapped = {digits[:i] + digits[i + 1] + digits[i] + digits[i + 2:] for i in range(len(digits) - 1)} - {digits}
    return {int(text) for text in swapped if text[0] != "0"}

# --- Flags on the counted contents of one station (D9) --------------------------------------------------------------
def counted_in(cells, judged, cell):
    """The counted content's shown submission and its verdict; two Nones without one."""
    counted = [content for content, verdict in judged[cell].items() if verdict["standing"] == "counted"]
    return (cells[cell][counted[0]][0], judged[cell][counted[0]]) if counted else (None, None)

def add_station_flags(law, station, cells, judged):
    reports = [counted_in(cells, judged, ("turnout", station["id"], slot)) for slot in law["slots"]]
    reports = [pair for pair in reports if pair[0]]
    held_here = [contest["id"] for contest in law["contests"].values() if holds(station, contest)]
    protocols = [counted_in(cells, judged, ("protocol", station["id"], contest)) for contest in held_here]
    flags = [(verdict, "TURNOUT_FALLS") for (before, _), (this, verdict) in zip(reports, reports[1:])
             if this["received_a_ballot"] < before["received_a_ballot"]]
    if protocols and protocols[0][0]:
        first, verdict = protocols[0]
        issued = first["lines"].get("ballots_issued")
        if reports and issued is not None and issued != reports[-1][0]["received_a_ballot"]:
            flags.append((verdict, "ISSUED_DIFFERS_FROM_TURNOUT"))
        flags += [(v, "CONTESTS_FAR_APART") for later, v in protocols[1:] if later and far_apart(first, later)]
    for verdict, code in flags:
        if law["severities"][code] != "off":
            verdict["rules"].add(code)

def far_apart(a, b):
    for meaning in ("ballots_found", "ballots_issued"):
        if meaning in a["lines"] and meaning in b["lines"]:
            of_a, of_b = a["lines"][meaning], b["lines"][meaning]
            difference = abs(of_a - of_b)
            return difference > FAR_APART_BALLOTS and difference * 100 > max(of_a, of_b) * FAR_APART_PERCENT
    return False

# --- Stations, totals, turnout (section 4) --------------------------------------------------------------------------
def state(verdicts):
    standings = {verdict["standing"] for verdict in verdicts.values()}
    return next((word for word in STATES if word in standings), "missing")

def station_view(station, judged):
    view = {"contests": {}, "turnout": {}}
    for (kind, where, of), verdicts in judged.items():
        if where == station:
            view["contests" if kind == "protocol" else "turnout"][of] = {
                "state": state(verdicts),
                "counted": next((c for c, v in verdicts.items() if v["standing"] == "counted"), None),
                "contents": {c: {"standing": v["standing"], "rules": sorted(v["rules"])} for c, v in verdicts.items()},
            }
    return view

def over_units(law, contest, cells, judged):
    stations = [station for station in law["stations"].values() if holds(station, law["contests"][contest])]
    totals = {"nation": total(law, contest, stations, cells, judged)}
    for unit, of_station in (("regions", "region"), ("territories", "territory"), ("districts", "district")):
        members = {id_: [s for s in stations if s[of_station] == id_] for id_ in law["units"][unit]}
        totals[unit] = {id_: total(law, contest, there, cells, judged) for id_, there in members.items() if there}
    return totals

def total(law, contest, stations, cells, judged):
    """Sums over the counted protocols of these stations, and how the stations stand."""
    definition = law["contests"][contest]
    here = {station["id"]: ("protocol", station["id"], contest) for station in stations}
    states = {station: state(judged[cell]) for station, cell in here.items()}
    expected = [s for s in here if not (s in law["closed"] and states[s] == "missing")]
    counted = {s: counted_in(cells, judged, cell) for s, cell in here.items() if states[s] == "counted"}
    protocols = [protocol for protocol, _ in counted.values()]
    meanings = [line["meaning"] for line in definition["form"]]
    lines = {meaning: [p["lines"][meaning] for p in protocols if meaning in p["lines"]] for meaning in meanings}
    def beside(standing):
        return sum(any(v["standing"] == standing and v["revision"] > ours["revision"] for v in judged[here[s]].values())
                   for s, (_, ours) in counted.items())
    return {
        "lines": {meaning: {"sum": sum(counts), "protocols": len(counts)} for meaning, counts in lines.items()},
        "votes": [[option, sum(p["votes"][option] for p in protocols)] for option in definition["options"]],
        "against_all": sum(p["against_all"] for p in protocols) if definition["against_all"] else None,
        "expected": len(expected), **{word: sum(states[s] == word for s in expected) for word in STATES},
        "corrected": sum(verdict["revision"] > 1 for _, verdict in counted.values()),
        "flagged": sum(bool(verdict["rules"]) for _, verdict in counted.values()),
        "held_beside": beside("held"), "contested_beside": beside("contested"),
    }

def turnout(law, slot, cells, judged):
    def figures(station):
        """Received, register, and whether the station reported for this very slot."""
        for earlier in reversed(law["slots"][: law["slots"].index(slot) + 1]):
            report, _ = counted_in(cells, judged, ("turnout", station["id"], earlier))
            if report:
                return report["received_a_ballot"], report["register"], earlier == slot
        return 0, station["register"], False
    def summed(stations):
        rows = [figures(station) for station in stations]
        received, register, reported = (sum(row[i] for row in rows) for i in range(3))
        return {"received": received, "register": register, "reported": reported, "stations": len(rows)}
    stations = list(law["stations"].values())
    regions = {region: summed([s for s in stations if s["region"] == region]) for region in law["units"]["regions"]}
    return {"nation": summed(stations), "regions": regions}

# --- Seats (D11) ----------------------------------------------------------------------------------------------------
def seats(law, contest, nation, ties):
    definition = law["contests"][contest]
    votes = {option: n for option, n in nation["votes"] if n > 0 and (contest, option) not in law["withdrawn"]}
    return (plurality if definition["method"]["kind"] == "plurality" else lists)(definition, nation, votes, ties)

def tie(definition, ties, between, open_seats, winners_wanted):
    """The decision that is still needed, and who wins by the one made for just this tie; one of the two is None."""
    winners = ties.get((definition["id"], tuple(sorted(between)), open_seats))
    if winners is not None and len(winners) == winners_wanted and set(winners) <= set(between):
        return None, winners
    return {"between": sorted(between), "seats": open_seats}, None

def plurality(definition, nation, votes, ties):
    most = max(votes.values(), default=0)
    ahead = definition["against_all"] and nation["against_all"] >= most  # level is no win (reading 46)
    if not votes or (ahead and definition["method"]["against_all_ahead"] == "seat-open"):
        return {"winner": None, "decision_needed": None}
    first = [option for option in votes if votes[option] == most]
    needed, winners = tie(definition, ties, first, 1, 1) if len(first) > 1 else (None, first)
    return {"winner": winners[0] if winners else None, "decision_needed": needed}

def lists(definition, nation, votes, ties):
    method = definition["method"]
    passed = {option: n for option, n in votes.items() if passes(method["threshold"], nation, votes, n)}
    below = {option: n for option, n in votes.items() if option not in passed}
    awarded, needed = {}, None
    if len(passed) == 1 and method["sole_list_runner_up_minimum"] is not None and below:
        awarded, needed = shared_with_runner_up(definition, next(iter(passed)), votes, below, ties)
    elif passed:
        awarded, needed = with_ties(definition, ties, *allocate(method, passed))
    return {"seats": {**dict.fromkeys(definition["options"], 0), **awarded}, "decision_needed": needed}

def passes(threshold, nation, votes, own):
    """Exactly on the line passes. `votes` are those of all options that have not withdrawn."""
    if threshold is None:
        return True
    options = sum(votes.values())
    base = {"valid_including_against_all": options + (nation["against_all"] or 0), "valid_without_against_all": options,
            "took_part": nation["lines"].get("ballots_found", {"sum": 0})["sum"]}[threshold["of"]]
    return own * threshold["denominator"] >= base * threshold["numerator"]

def shared_with_runner_up(definition, sole, votes, below, ties):
    """One list alone over the line shares with the next, which gets at least the minimum."""
    method = definition["method"]
    at_least = min(method["sole_list_runner_up_minimum"], method["seats"])
    runners_up = [option for option in below if below[option] == max(below.values())]
    # Those tied have equal votes: each would get the same share, so any of them tells how many seats that is.
    certain, line, left = allocate(method, {sole: votes[sole], runners_up[0]: votes[runners_up[0]]})
    if certain[runners_up[0]] < at_least:
        certain, line, left = {sole: method["seats"] - at_least, runners_up[0]: at_least}, [], 0
    share, needed, chosen = certain[runners_up[0]], None, runners_up
    if len(runners_up) > 1:
        needed, chosen = tie(definition, ties, runners_up, share, 1)
    if needed:
        return {sole: certain[sole]}, needed
    return with_ties(definition, ties, {sole: certain[sole], chosen[0]: share}, [sole, chosen[0]] if line else [], left)

def with_ties(definition, ties, certain, line, left):
    """The certain seats and, where a decision was made between those equal at the line, theirs."""
    needed, winners = tie(definition, ties, line, left, left) if line else (None, [])
    return {option: n + (option in (winners or [])) for option, n in certain.items()}, needed

def allocate(method, votes):
    """Certain seats, the options equal at the line, and the seats left between them (no options when none is left)."""
    in_all, cast = method["seats"], sum(votes.values())
    if method["allocation"] == "hare-largest-remainder":
        certain = {option: n * in_all // cast for option, n in votes.items()}
        claims = [(n * in_all % cast, option) for option, n in votes.items()]
    else:  # D'Hondt
        certain = dict.fromkeys(votes, 0)
        claims = [(Fraction(n, divisor), option) for option, n in votes.items() for divisor in range(1, in_all + 1)]
    left = in_all - sum(certain.values())
    if left == 0:
        return certain, [], 0
    line = sorted((value for value, _ in claims), reverse=True)[left - 1]
    above = [option for value, option in claims if value > line]
    equal = [option for value, option in claims if value == line]
    if len(above) + len(equal) == left:
        above, equal = above + equal, []
    return {option: n + above.count(option) for option, n in certain.items()}, equal, left - len(above)

if __name__ == "__main__":
    json.dump({"results": [evaluate(world) for world in json.load(sys.stdin)["worlds"]]}, sys.stdout)
