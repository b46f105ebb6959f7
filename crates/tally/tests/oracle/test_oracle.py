"""What the oracle promises, in small worlds. Run: python3 -m unittest discover -s . -p 'test_*.py'"""

import hashlib
import json
import pathlib
import random
import subprocess
import sys
import unittest

import oracle

REFUSE = ["UNKNOWN_KEY", "NOT_ENTITLED"]
HOLD = [
    "SUM_OF_VOTES_DIFFERS", "FOUND_DIFFERS_FROM_COUNTED", "BALLOTS_UNBALANCED", "RECEIVED_DIFFERS_FROM_COUNTED",
    "FOUND_EXCEEDS_ISSUED", "ISSUED_EXCEEDS_VOTERS", "FOUND_EXCEEDS_VOTERS", "PART_EXCEEDS_WHOLE",
    "SIGNED_BEFORE_CLOSE", "KEY_REVOKED", "TURNOUT_EXCEEDS_REGISTER", "AMENDMENT_GAP",
]
FLAG = [
    "FOUND_BELOW_ISSUED", "INVALID_SHARE_HIGH", "TURNOUT_COMPLETE", "DIGITS_TRANSPOSED", "ISSUED_DIFFERS_FROM_TURNOUT",
    "TURNOUT_FALLS", "CONTESTS_FAR_APART", "VOTES_FOR_WITHDRAWN", "HISTORY_INCOMPLETE", "SIGNATORY_DISSENTS",
    "COMPLAINTS_LODGED",
]
CLOSE = 1_000  # when every station closes
LIST_FORM = ["voters_listed", "voters_added", "ballots_received", "ballots_issued", "issued_outside", "ballots_unused",
             "ballots_spoiled", "ballots_found", "found_portable", "ballots_invalid", "ballots_valid"]
SHORT_FORM = ["voters_listed", "ballots_received", "ballots_unused", "ballots_found", "ballots_invalid", "ballots_valid"]


def definition(**changes):
    def form(meanings):
        return [{"meaning": meaning, "required": False} for meaning in meanings]

    def district_contest(district):
        return {"id": "c-" + district, "units": {"district": district}, "form": form(SHORT_FORM), "against_all": True,
                "options": ["x", "y", "z"], "method": {"kind": "plurality", "against_all_ahead": "seat-open"}}

    def station(number, region, territory, district):
        return {"id": f"s{number}", "region": region, "territory": territory, "district": district, "register": 500,
                "polls_close": CLOSE, "key": f"ks{number}"}

    whole = {
        "regions": ["north", "south"],
        "territories": [{"id": "ta", "region": "north"}, {"id": "tb", "region": "south"}],
        "districts": [{"id": "d1", "region": "north"}, {"id": "d2", "region": "south"}],
        "contests": [
            {"id": "list", "units": "all", "form": form(LIST_FORM), "against_all": True, "options": ["b", "a", "c"],
             "method": {"kind": "list", "seats": 10, "allocation": "hare-largest-remainder",
                        "threshold": {"numerator": 5, "denominator": 100, "of": "valid_including_against_all"},
                        "sole_list_runner_up_minimum": 2}},
            district_contest("d1"),
            district_contest("d2"),
        ],
        "slots": ["t1", "t2", "t3"],
        "stations": [station(1, "north", "ta", "d1"), station(2, "north", "ta", "d1"), station(3, "south", "tb", "d2"),
                     station(4, "south", "tb", None)],
        "authorities": [
            {"id": "cec", "role": "central", "unit": None, "key": "kcec"},
            {"id": "op", "role": "operator", "unit": None, "key": "kop"},
            {"id": "tec-ta", "role": "territorial", "unit": "ta", "key": "ktec-ta"},
            {"id": "tec-tb", "role": "territorial", "unit": "tb", "key": "ktec-tb"},
            {"id": "dec-d1", "role": "district", "unit": "d1", "key": "kdec-d1"},
        ],
        "severities": {**dict.fromkeys(REFUSE, "refuse"), **dict.fromkeys(HOLD, "hold"), **dict.fromkeys(FLAG, "flag")},
    }
    return {**whole, **changes}


def digest(*parts):
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def signed(kind, key, content_fields, **beside):
    content = digest(kind, content_fields)
    return {"kind": kind, "key": key, "content": content, "digest": digest(content, key, beside), **content_fields, **beside}


def protocol(station="s1", contest="list", revision=1, votes=None, against_all=1, key=None, supersedes=None, dissent=False,
             complaints=None, signed_at=CLOSE, lines=None, without=()):
    """A protocol whose sums are right, but for `lines` that say otherwise."""
    votes = votes if votes is not None else ({"b": 60, "a": 30, "c": 9} if contest == "list" else {"x": 60, "y": 30, "z": 9})
    valid = sum(votes.values()) + against_all
    written = {"voters_listed": 500, "ballots_received": 400, "ballots_unused": 400 - valid, "ballots_found": valid,
               "ballots_invalid": 0, "ballots_valid": valid}
    if contest == "list":
        written.update({"voters_added": 0, "ballots_issued": valid, "ballots_spoiled": 0})
    written.update(lines or {})
    written = {meaning: count for meaning, count in written.items() if meaning not in without}
    what = {"station": station, "contest": contest, "revision": revision, "lines": written, "votes": votes,
            "against_all": against_all}
    return signed("protocol", key or "k" + station, what, supersedes=supersedes, dissent=dissent, complaints=complaints,
                  signed_at=signed_at)


def report(slot, received, station="s1", revision=1, register=500, key=None):
    what = {"station": station, "slot": slot, "revision": revision, "received_a_ballot": received, "register": register}
    return signed("turnout", key or "k" + station, what, signed_at=500)


def decision(author, number, ruling, key=None, signed_at=2_000):
    return signed("decision", key or "k" + author, {"author": author, "number": number, "ruling": ruling}, signed_at=signed_at)


def confirm(target, station="s1"):
    return {"kind": "confirm", "station": station, "content": target["content"]}


def annul(target, station="s1"):
    return {"kind": "annul", "station": station, "content": target["content"]}


def annul_station(station="s1", contest="list"):
    return {"kind": "annul_station", "station": station, "contest": contest}


def choose(chosen, *set_aside, station="s1"):
    return {"kind": "choose", "station": station, "chosen": chosen["content"],
            "set_aside": sorted(other["content"] for other in set_aside)}


def resolve(contest, between, seats, winners):
    return {"kind": "resolve_tie", "contest": contest, "between": sorted(between), "seats": seats, "winners": sorted(winners)}


def amendment(number, kind, author="cec", key=None, **change):
    what = {"number": number, "author": author, "change": {"kind": kind, **change}}
    return signed("amendment", key or "k" + author, what, signed_at=1)


def evaluate(*submissions, **changes):
    return oracle.evaluate({"definition": definition(**changes), "submissions": list(submissions)})


class Case(unittest.TestCase):
    def cell(self, result, contest="list", station="s1"):
        return result["stations"][station]["contests"][contest]

    def slot(self, result, slot, station="s1"):
        return result["stations"][station]["turnout"][slot]

    def assert_standing(self, result, submission, standing, *rules):
        station = result["stations"][submission["station"]]
        of = submission["contest"] if submission["kind"] == "protocol" else submission["slot"]
        cell = station["contests" if submission["kind"] == "protocol" else "turnout"][of]
        self.assertEqual(cell["contents"][submission["content"]], {"standing": standing, "rules": sorted(rules)})


class Contents(Case):
    def test_a_right_protocol_is_counted_without_rules(self):
        p = protocol()
        result = evaluate(p)
        self.assert_standing(result, p, "counted")
        self.assertEqual((self.cell(result)["state"], self.cell(result)["counted"]), ("counted", p["content"]))
        self.assertEqual(self.cell(result, "c-d1")["state"], "missing")
        self.assertNotIn("c-d2", result["stations"]["s1"]["contests"])

    def test_the_same_content_signed_again_counts_once(self):
        result = evaluate(protocol(), protocol(signed_at=CLOSE + 60), protocol())
        self.assertEqual(len(self.cell(result)["contents"]), 1)
        self.assertEqual(result["totals"]["list"]["nation"]["votes"], [["b", 60], ["a", 30], ["c", 9]])

    def test_the_highest_revision_counts_and_lower_ones_are_superseded(self):
        one = protocol()
        two = protocol(revision=2, against_all=2, supersedes=one["content"])
        result = evaluate(one, two)
        self.assert_standing(result, one, "superseded", "SUPERSEDED_BY_REVISION")
        self.assert_standing(result, two, "counted")
        self.assertEqual(result["totals"]["list"]["nation"]["corrected"], 1)

    def test_a_held_revision_leaves_the_lower_one_counted_and_stands_beside(self):
        one = protocol()
        two = protocol(revision=2, supersedes=one["content"], lines={"ballots_valid": 999})
        result = evaluate(one, two)
        self.assert_standing(result, one, "counted")
        self.assert_standing(result, two, "held", "FOUND_DIFFERS_FROM_COUNTED", "SUM_OF_VOTES_DIFFERS")
        self.assertEqual(result["totals"]["list"]["nation"]["held_beside"], 1)

    def test_two_contents_under_one_revision_are_contested_and_leave_the_lower_one_counted(self):
        one = protocol()
        two, other = (protocol(revision=2, against_all=n, supersedes=one["content"]) for n in (3, 4))
        result = evaluate(one, two, other)
        self.assert_standing(result, one, "counted")
        self.assert_standing(result, two, "contested", "CONTESTED_REVISION")
        self.assert_standing(result, other, "contested", "CONTESTED_REVISION")
        self.assertEqual(result["totals"]["list"]["nation"]["contested_beside"], 1)

    def test_a_held_content_contests_another_and_shows_as_contested(self):
        good, bad = protocol(), protocol(lines={"ballots_valid": 999})
        result = evaluate(good, bad)
        self.assert_standing(result, good, "contested", "CONTESTED_REVISION")
        self.assert_standing(result, bad, "contested", "CONTESTED_REVISION", "FOUND_DIFFERS_FROM_COUNTED", "SUM_OF_VOTES_DIFFERS")

    def test_signed_before_close_holds_only_if_every_submission_is(self):
        early, late = protocol(signed_at=CLOSE - 1), protocol()
        self.assert_standing(evaluate(early), early, "held", "SIGNED_BEFORE_CLOSE")
        self.assert_standing(evaluate(early, late), early, "counted")

    def test_a_station_may_close_when_its_whole_register_has_voted(self):
        p = protocol(signed_at=CLOSE - 1, lines={"voters_listed": 99, "voters_added": 1})
        self.assert_standing(evaluate(p), p, "counted", "TURNOUT_COMPLETE")

    def test_each_submission_may_be_held_for_another_attribute(self):
        early, revoked = protocol(signed_at=CLOSE - 1), protocol(key="knew")
        by_amendment = [replacement(1, {"station": "s1"}, "knew"), revocation(2, "knew")]
        result = evaluate(early, revoked, *by_amendment)
        self.assertEqual(self.cell(result)["state"], "held")
        self.assertEqual(len(self.cell(result)["contents"][early["content"]]["rules"]), 1)
        result = evaluate(early, revoked, protocol(signed_at=CLOSE + 1), *by_amendment)
        self.assertEqual(self.cell(result)["state"], "counted")

    def test_flags_of_attributes_are_those_of_the_lowest_digest(self):
        plain, complained = protocol(), protocol(complaints=2, dissent=True)
        lowest = min(plain, complained, key=lambda s: s["digest"])
        rules = ["COMPLAINTS_LODGED", "SIGNATORY_DISSENTS"] if lowest is complained else []
        self.assert_standing(evaluate(plain, complained), plain, "counted", *rules)
        self.assert_standing(evaluate(complained), complained, "counted", "COMPLAINTS_LODGED", "SIGNATORY_DISSENTS")

    def test_a_correction_without_the_revision_before_is_flagged(self):
        one = protocol()
        for supersedes, present in ((None, True), (one["content"], False), ("ff", True)):
            two = protocol(revision=2, against_all=5, supersedes=supersedes)
            self.assert_standing(evaluate(two, *([one] if present else [])), two, "counted", "HISTORY_INCOMPLETE")

    def test_the_order_of_submissions_does_not_matter(self):
        one, other = protocol(), protocol(against_all=7)
        two = protocol(revision=2, signed_at=CLOSE - 5)
        ruling = [decision("tec-ta", 1, choose(one, other)), decision("cec", 1, confirm(two)), revocation(1, "ks2")]
        worlds = [one, other, two, protocol("s2"), report("t1", 5), *ruling]
        expected = evaluate(*worlds)
        for seed in range(20):
            random.Random(seed).shuffle(worlds)
            self.assertEqual(evaluate(*worlds), expected)


def revocation(number, key, still_valid=(), author="cec", signer=None):
    what = {"number": number, "author": author,
            "change": {"kind": "key_revoked", "key": key, "still_valid": sorted(s["digest"] for s in still_valid)}}
    return signed("amendment", signer or "k" + author, what, signed_at=1)


def replacement(number, holder, key, author="cec", signer=None):
    what = {"number": number, "author": author, "change": {"kind": "key_replaced", "holder": holder, "key": key}}
    return signed("amendment", signer or "k" + author, what, signed_at=1)


class Rules(Case):
    def fires(self, submission, *more, **changes):
        result = evaluate(submission, *more, **changes)
        of = submission.get("contest") or submission["slot"]
        cells = result["stations"][submission["station"]]["contests" if submission["kind"] == "protocol" else "turnout"]
        return cells[of]["contents"][submission["content"]]["rules"]

    def test_each_sum_and_limit_has_its_rule(self):
        wrong = {
            "BALLOTS_UNBALANCED": {"ballots_unused": 0},
            "FOUND_EXCEEDS_ISSUED": {"ballots_issued": 50, "ballots_unused": 350},
            "FOUND_BELOW_ISSUED": {"ballots_issued": 150, "ballots_unused": 250},
            "ISSUED_EXCEEDS_VOTERS": {"voters_listed": 99},
            "TURNOUT_COMPLETE": {"voters_listed": 90, "voters_added": 10},
            "PART_EXCEEDS_WHOLE": {"found_portable": 101},
        }
        for code, lines in wrong.items():
            self.assertEqual(self.fires(protocol(lines=lines)), [code])

    def test_a_form_without_issued_ballots_has_its_own_rules(self):
        received = protocol(contest="c-d1", lines={"ballots_received": 1_000})
        self.assertEqual(self.fires(received), ["RECEIVED_DIFFERS_FROM_COUNTED"])
        self.assertEqual(self.fires(protocol(contest="c-d1", lines={"voters_listed": 99})), ["FOUND_EXCEEDS_VOTERS"])
        self.assertEqual(self.fires(protocol(contest="c-d1", lines={"voters_listed": 100})), ["TURNOUT_COMPLETE"])

    def test_absent_is_not_zero(self):
        self.assertEqual(self.fires(protocol(without=["ballots_spoiled"], lines={"ballots_unused": 1})), [])
        self.assertEqual(self.fires(protocol(without=["voters_added"], lines={"voters_listed": 1})), [])

    def test_invalid_ballots_of_exactly_three_percent_are_flagged(self):
        for invalid, rules in ((3, ["INVALID_SHARE_HIGH"]), (2, []), (0, [])):
            lines = {"ballots_invalid": invalid, "ballots_valid": 100 - invalid, "ballots_found": 100}
            self.assertEqual(self.fires(protocol(votes={"b": 90 - invalid, "a": 9, "c": 0}, lines=lines,
                                                 without=["ballots_issued"])), rules)

    def test_a_transposed_figure_is_found_when_it_is_the_only_one(self):
        found = protocol(lines={"ballots_found": 110, "ballots_valid": 101, "ballots_invalid": 0, "ballots_issued": 110,
                                "ballots_unused": 290}, votes={"b": 91, "a": 9, "c": 0})
        self.assertIn("DIGITS_TRANSPOSED", self.fires(found))
        # 21 for 12 would mend the sum, and so would 32 for 23: nothing is said.
        both = protocol(lines={"ballots_valid": 100 + 9}, votes={"b": 12, "a": 23, "c": 64})
        self.assertNotIn("DIGITS_TRANSPOSED", self.fires(both))

    def test_swapping_gives_no_leading_zero(self):
        self.assertEqual(oracle.adjacent_swaps(10), set())
        self.assertEqual(oracle.adjacent_swaps(1203), {2103, 1023, 1230})

    def test_a_mended_figure_must_not_break_another_sum(self):
        # valid 72 for 27 would mend the sum of votes, but found = valid + invalid is right as it stands.
        p = protocol(votes={"b": 20, "a": 5, "c": 1}, lines={"ballots_valid": 72, "ballots_found": 72})
        self.assertIn("SUM_OF_VOTES_DIFFERS", self.fires(p))
        self.assertNotIn("DIGITS_TRANSPOSED", self.fires(p))

    def test_turnout_above_the_register_is_held(self):
        r = report("t1", 501)
        self.assert_standing(evaluate(r), r, "held", "TURNOUT_EXCEEDS_REGISTER")

    def test_falling_turnout_is_compared_with_the_report_before(self):
        first, second, third = report("t1", 100), report("t2", 50), report("t3", 70)
        result = evaluate(first, second, third)
        self.assert_standing(result, second, "counted", "TURNOUT_FALLS")
        self.assert_standing(result, third, "counted")
        self.assert_standing(evaluate(first, third), third, "counted", "TURNOUT_FALLS")

    def test_issued_is_compared_with_the_last_counted_report(self):
        p = protocol()  # 100 issued
        self.assertEqual(self.fires(p, report("t1", 99)), ["ISSUED_DIFFERS_FROM_TURNOUT"])
        self.assertEqual(self.fires(p, report("t1", 99), report("t2", 100)), [])
        self.assertEqual(self.fires(p, report("t2", 100), report("t3", 501)), [])

    def test_contests_far_apart_flags_the_later_one(self):
        near, far = (protocol(contest="c-d1", votes={"x": n, "y": 0, "z": 0}) for n in (109, 110))
        self.assertEqual(self.fires(near, protocol()), [])  # 10 more
        self.assertEqual(self.fires(far, protocol()), ["CONTESTS_FAR_APART"])
        self.assertEqual(self.fires(protocol(), far), [])
        self.assertEqual(self.fires(far), [])

    def test_a_severity_may_change_by_amendment(self):
        early = protocol(signed_at=CLOSE - 1)
        for severity, standing, rules in (("flag", "counted", ["SIGNED_BEFORE_CLOSE"]), ("off", "counted", [])):
            change = amendment(1, "severity_changed", rule="SIGNED_BEFORE_CLOSE", severity=severity)
            self.assert_standing(evaluate(early, change), early, standing, *rules)


class Decisions(Case):
    def test_a_confirmed_content_counts_and_says_so(self):
        for bad, code in ((protocol(lines={"voters_listed": 99}), "ISSUED_EXCEEDS_VOTERS"),
                          (protocol(signed_at=CLOSE - 1), "SIGNED_BEFORE_CLOSE")):
            d = decision("tec-ta", 1, confirm(bad))
            result = evaluate(bad, d)
            self.assert_standing(result, bad, "counted", code, "CONFIRMED_BY_DECISION")
            self.assertEqual(result["decisions"], {d["content"]: "counted"})

    def test_annulling_a_content_exposes_the_next_lower_one(self):
        one = protocol()
        two = protocol(revision=2, against_all=2, supersedes=one["content"])
        result = evaluate(one, two, decision("tec-ta", 1, annul(two)))
        self.assert_standing(result, one, "counted")
        self.assert_standing(result, two, "annulled", "ANNULLED_BY_DECISION")

    def test_annulling_the_station_leaves_nothing_but_what_a_weightier_ruling_keeps(self):
        one = protocol()
        two = protocol(revision=2, against_all=2, supersedes=one["content"])
        whole = decision("tec-ta", 1, annul_station())
        result = evaluate(one, two, whole)
        self.assertEqual(self.cell(result)["state"], "annulled")
        result = evaluate(one, two, whole, decision("cec", 1, confirm(one)))
        self.assert_standing(result, one, "counted")
        self.assert_standing(result, two, "annulled", "ANNULLED_BY_DECISION")

    def test_the_higher_commission_s_ruling_holds_and_the_other_is_superseded(self):
        p = protocol()
        low, high = decision("tec-ta", 9, annul(p)), decision("cec", 1, confirm(p))
        result = evaluate(p, low, high)
        self.assert_standing(result, p, "counted")
        self.assertEqual(result["decisions"], {low["content"]: "superseded", high["content"]: "counted"})

    def test_within_a_commission_the_higher_number_holds(self):
        p = protocol()
        first, second = decision("tec-ta", 1, annul(p)), decision("tec-ta", 2, confirm(p))
        result = evaluate(p, first, second)
        self.assert_standing(result, p, "counted")
        self.assertEqual(result["decisions"][first["content"]], "superseded")

    def test_two_decisions_under_one_number_are_contested_and_neither_holds(self):
        p = protocol()
        first, second = decision("tec-ta", 1, annul(p)), decision("tec-ta", 1, annul_station())
        result = evaluate(p, first, second)
        self.assert_standing(result, p, "counted")
        self.assertEqual(set(result["decisions"].values()), {"contested"})

    def test_one_number_may_stand_for_decisions_about_two_stations(self):
        here, there = protocol(), protocol("s2")
        both = [decision("tec-ta", 1, annul(here)), decision("tec-ta", 1, annul(there, "s2"))]
        self.assertEqual(set(evaluate(here, there, *both)["decisions"].values()), {"counted"})

    def test_the_same_decision_signed_twice_is_one(self):
        p = protocol()
        result = evaluate(p, decision("tec-ta", 1, annul(p)), decision("tec-ta", 1, annul(p), signed_at=3_000))
        self.assertEqual(list(result["decisions"].values()), ["counted"])

    def test_a_choice_lifts_the_contest_but_no_hold(self):
        one, other, held = protocol(), protocol(against_all=2), protocol(lines={"voters_listed": 99})
        result = evaluate(one, other, decision("tec-ta", 1, choose(one, other)))
        self.assert_standing(result, one, "counted")
        self.assert_standing(result, other, "annulled", "SET_ASIDE_BY_DECISION")
        result = evaluate(held, other, decision("tec-ta", 1, choose(held, other)))
        self.assert_standing(result, held, "held", "ISSUED_EXCEEDS_VOTERS")

    def test_a_third_content_that_a_choice_does_not_name_still_contests(self):
        one, other, third = (protocol(against_all=n) for n in (1, 2, 3))
        result = evaluate(one, other, third, decision("tec-ta", 1, choose(one, other)))
        self.assertEqual(self.cell(result)["state"], "contested")

    def test_a_confirmation_lifts_no_contest(self):
        one, other = protocol(), protocol(against_all=2)
        result = evaluate(one, other, decision("tec-ta", 1, confirm(one)))
        self.assert_standing(result, one, "contested", "CONTESTED_REVISION")

    def test_a_confirmation_outlives_a_choice_but_no_removal(self):
        held, other = protocol(lines={"voters_listed": 99}), protocol()
        first, second = decision("tec-ta", 1, confirm(held)), decision("tec-ta", 2, choose(held, other))
        self.assertEqual(self.cell(evaluate(held, other, first, second))["state"], "counted")
        first, second = decision("tec-ta", 1, choose(held, other)), decision("tec-ta", 2, confirm(held))
        result = evaluate(held, other, first, second)
        self.assertEqual(self.cell(result)["state"], "counted")
        self.assertEqual(result["decisions"][first["content"]], "counted")  # it still sets the other aside
        three = [decision("tec-ta", n, ruling) for n, ruling in enumerate((confirm(held), annul(held), choose(held, other)), 1)]
        self.assertEqual(self.cell(evaluate(held, other, *three))["state"], "held")

    def test_a_decision_on_an_absent_content_counts(self):
        d = decision("tec-ta", 1, annul(protocol()))
        self.assertEqual(evaluate(d)["decisions"], {d["content"]: "counted"})

    def test_who_may_not_decide_is_refused(self):
        ours, districts, souths = protocol(), protocol(contest="c-d1"), protocol("s3")
        turnout = report("t1", 5)
        refused = [
            decision("tec-ta", 1, annul(districts)), decision("dec-d1", 1, annul(ours)), decision("op", 1, annul(ours)),
            decision("tec-ta", 2, annul(souths, "s3")), decision("dec-d1", 2, annul(turnout)),
            decision("tec-ta", 3, annul_station("s1", "c-d1")), decision("dec-d1", 3, resolve("c-d1", "xy", 1, "x")),
            decision("tec-ta", 4, annul(ours), key="kcec"), decision("tec-ta", 5, choose(ours, districts)),
        ]
        entitled = [
            decision("tec-ta", 6, confirm(ours)), decision("dec-d1", 6, confirm(districts)), decision("cec", 6, confirm(souths, "s3")),
            decision("tec-ta", 7, confirm(turnout)), decision("dec-d1", 7, annul_station("s2", "c-d1")),
        ]
        result = evaluate(ours, districts, souths, turnout, *refused, *entitled)
        self.assertEqual(result["refused"], {d["digest"]: ["NOT_ENTITLED"] for d in refused})
        self.assertEqual(result["decisions"], {d["content"]: "counted" for d in entitled})

    def test_a_refused_decision_contests_no_number(self):
        districts, ours = protocol(contest="c-d1"), protocol()
        good = decision("tec-ta", 1, annul(ours))
        result = evaluate(districts, ours, decision("tec-ta", 1, annul(districts)), good)
        self.assertEqual(result["decisions"], {good["content"]: "counted"})


class Amendments(Case):
    def test_an_unknown_key_is_refused_and_counts_for_nothing(self):
        p = protocol(key="kstranger")
        result = evaluate(p)
        self.assertEqual(result["refused"], {p["digest"]: ["UNKNOWN_KEY"]})
        self.assertEqual(self.cell(result)["contents"], {})

    def test_a_station_speaks_only_for_itself(self):
        p = protocol(key="ks2")
        self.assertEqual(evaluate(p)["refused"], {p["digest"]: ["NOT_ENTITLED"]})

    def test_a_replaced_key_is_known_beside_the_old_one(self):
        old, new = protocol(), protocol(revision=2, key="knew", against_all=2)
        result = evaluate(old, new, replacement(1, {"station": "s1"}, "knew"))
        self.assertEqual(result["refused"], {})
        self.assertEqual(self.cell(result)["counted"], new["content"])

    def test_a_gap_stops_the_prefix(self):
        p = protocol(key="knew")
        self.assertIn(p["digest"], evaluate(p, replacement(2, {"station": "s1"}, "knew"))["refused"])
        closed = amendment(1, "station_closed", station="s4")
        self.assertEqual(evaluate(p, closed, replacement(2, {"station": "s1"}, "knew"))["refused"], {})

    def test_two_contents_under_one_number_stop_the_prefix(self):
        both = [amendment(1, "station_closed", station=station) for station in ("s3", "s4")]
        self.assertEqual(evaluate(*both)["totals"]["list"]["nation"]["expected"], 4)
        self.assertEqual(evaluate(both[0])["totals"]["list"]["nation"]["expected"], 3)

    def test_only_the_central_commission_and_the_operator_amend(self):
        wrong = amendment(1, "station_closed", author="tec-ta", station="s4")
        result = evaluate(wrong, amendment(1, "station_closed", author="op", station="s3"))
        self.assertEqual(result["refused"], {wrong["digest"]: ["NOT_ENTITLED"]})
        self.assertEqual(result["totals"]["list"]["nation"]["expected"], 3)

    def test_a_revoked_key_holds_all_but_what_stays_valid(self):
        one, two = protocol(), protocol("s1", "c-d1")
        result = evaluate(one, two, revocation(1, "ks1", still_valid=[one]))
        self.assert_standing(result, one, "counted")
        self.assert_standing(result, two, "held", "KEY_REVOKED")

    def test_a_decision_by_a_revoked_key_is_held(self):
        p = protocol()
        d = decision("tec-ta", 1, annul(p))
        result = evaluate(p, d, revocation(1, "ktec-ta"))
        self.assertEqual(result["decisions"], {d["content"]: "held"})
        self.assert_standing(result, p, "counted")

    def test_a_revocation_reaches_only_amendments_of_higher_numbers(self):
        first = amendment(1, "station_closed", author="op", station="s3")
        third = amendment(3, "station_closed", author="op", station="s4")
        gone = revocation(2, "kop")
        self.assertEqual(evaluate(first, gone, third)["totals"]["list"]["nation"]["expected"], 3)
        kept = revocation(2, "kop", still_valid=[third])
        self.assertEqual(evaluate(first, kept, third)["totals"]["list"]["nation"]["expected"], 2)
        # A revoked operator cannot contest number 3 either.
        self.assertEqual(evaluate(gone, first, third, amendment(3, "station_closed", station="s4"))["totals"]["list"]
                         ["nation"]["expected"], 2)

    def test_a_revocation_holds_decisions_whatever_its_severity(self):
        p = protocol()
        d = decision("tec-ta", 1, annul(p))
        off = amendment(2, "severity_changed", rule="KEY_REVOKED", severity="off")
        result = evaluate(p, d, decision("tec-ta", 1, annul_station(), key="knew"), revocation(1, "ktec-ta"), off,
                          replacement(3, {"authority": "tec-ta"}, "knew"))
        self.assertEqual(result["decisions"][d["content"]], "held")
        self.assert_standing(result, p, "annulled", "ANNULLED_BY_DECISION")  # by the other decision, which nothing contests

    def test_of_two_revocations_the_later_one_says_what_stays_valid(self):
        one, two = protocol(), protocol("s1", "c-d1")
        result = evaluate(one, two, revocation(1, "ks1", still_valid=[one]), revocation(2, "ks1", still_valid=[two]))
        self.assert_standing(result, one, "held", "KEY_REVOKED")
        self.assert_standing(result, two, "counted")

    def test_amendments_stand_in_the_prefix_beyond_it_or_not_at_all(self):
        first = replacement(1, {"authority": "op"}, "knew")
        late = amendment(1, "station_closed", author="op", key="knew", station="s3")
        third, also_third = (amendment(3, "station_closed", station=s) for s in ("s3", "s4"))
        fourth = amendment(4, "station_closed", station="s4")
        result = evaluate(first, late, third, also_third, fourth)
        self.assertEqual(result["refused"], {late["digest"]: ["UNKNOWN_KEY"]})
        self.assertEqual(result["amendments"], {first["content"]: "counted", third["content"]: "contested",
                                                also_third["content"]: "contested", fourth["content"]: "held"})

    def test_a_station_may_close_later(self):
        p = protocol()
        self.assert_standing(evaluate(p, amendment(1, "polls_close", station="s1", at=CLOSE + 1)), p, "held", "SIGNED_BEFORE_CLOSE")

    def test_a_withdrawn_option_wins_nothing_and_its_votes_are_flagged(self):
        p = protocol(contest="c-d1")
        result = evaluate(p, amendment(1, "option_withdrawn", contest="c-d1", option="x"))
        self.assert_standing(result, p, "counted", "VOTES_FOR_WITHDRAWN")
        self.assertEqual(result["seats"]["c-d1"], {"winner": "y", "decision_needed": None})


class Totals(Case):
    def test_units_add_up_to_the_nation(self):
        result = evaluate(protocol(), protocol("s2"), protocol("s3", without=["found_portable", "ballots_spoiled"]))
        totals = result["totals"]["list"]
        self.assertEqual(totals["nation"]["votes"], [["b", 180], ["a", 90], ["c", 27]])
        self.assertEqual(totals["nation"]["against_all"], 3)
        self.assertEqual(totals["nation"]["lines"]["ballots_spoiled"], {"sum": 0, "protocols": 2})
        self.assertEqual(totals["nation"]["lines"]["ballots_found"], {"sum": 300, "protocols": 3})
        for unit in ("regions", "territories"):
            self.assertEqual(sum(part["lines"]["ballots_found"]["sum"] for part in totals[unit].values()), 300)
            self.assertEqual(sum(part["expected"] for part in totals[unit].values()), 4)
        self.assertEqual(sum(part["expected"] for part in totals["districts"].values()), 3)
        self.assertEqual(set(result["totals"]["c-d1"]["regions"]), {"north"})

    def test_stations_are_counted_by_state(self):
        contested = [protocol("s3", against_all=n) for n in (1, 2)]
        annulled = protocol("s4")
        result = evaluate(protocol(dissent=True), protocol("s2", signed_at=0), *contested, annulled,
                          decision("tec-tb", 1, annul(annulled, "s4")))
        nation = result["totals"]["list"]["nation"]
        states = [nation[word] for word in ("expected", *oracle.STATES, "flagged")]
        self.assertEqual(states, [4, 1, 1, 1, 1, 0, 1])

    def test_a_closed_station_is_expected_only_with_something(self):
        close = amendment(1, "station_closed", station="s1")
        nation = evaluate(close)["totals"]["list"]["nation"]
        self.assertEqual((nation["expected"], nation["missing"]), (3, 3))
        nation = evaluate(close, protocol())["totals"]["list"]["nation"]
        self.assertEqual((nation["expected"], nation["counted"], nation["missing"]), (4, 1, 3))

    def test_a_silent_station_contributes_its_last_earlier_slot(self):
        result = evaluate(report("t1", 10, register=510), report("t3", 30), report("t2", 9, "s3", register=400))
        self.assertEqual(result["turnout"]["t1"]["nation"], {"received": 10, "register": 2_010, "reported": 1, "stations": 4})
        self.assertEqual(result["turnout"]["t2"]["nation"], {"received": 19, "register": 1_910, "reported": 1, "stations": 4})
        self.assertEqual(result["turnout"]["t3"]["nation"], {"received": 39, "register": 1_900, "reported": 1, "stations": 4})
        self.assertEqual(result["turnout"]["t2"]["regions"]["north"], {"received": 10, "register": 1_010, "reported": 0, "stations": 2})


def seats_of(votes, against_all=0, seats=10, allocation="hare-largest-remainder", threshold=5, sole=2, decisions=()):
    """The seats of a list contest of one station with these votes."""
    base = definition()
    limit = None if threshold is None else {"numerator": threshold, "denominator": 100, "of": "valid_including_against_all"}
    contest = {**base["contests"][0], "options": list(votes), "method": {
        "kind": "list", "seats": seats, "allocation": allocation, "threshold": limit, "sole_list_runner_up_minimum": sole}}
    p = protocol(votes=votes, against_all=against_all, without=["voters_listed", "ballots_received", "ballots_issued"])
    return evaluate(p, *decisions, contests=[contest])["seats"]["list"]


class Seats(Case):
    def test_the_real_list_result_gives_the_real_seats(self):
        votes = {"amanat": 3_431_510, "auyl": 693_938, "respublica": 547_154, "aq-jol": 535_139, "qhp": 432_920,
                 "jsdp": 331_058, "baytaq": 146_431}
        outcome = seats_of(votes, against_all=248_291, seats=69)
        self.assertEqual(outcome["seats"], {"amanat": 40, "auyl": 8, "respublica": 6, "aq-jol": 6, "qhp": 5, "jsdp": 4, "baytaq": 0})
        self.assertIsNone(outcome["decision_needed"])

    def test_exactly_on_the_line_passes(self):
        self.assertEqual(seats_of({"a": 95, "b": 5}, seats=100, sole=None)["seats"], {"a": 95, "b": 5})
        self.assertEqual(seats_of({"a": 951, "b": 49}, seats=100, sole=None)["seats"], {"a": 100, "b": 0})

    def test_equal_remainders_need_a_decision_and_award_only_what_is_certain(self):
        votes = {"c": 50, "a": 25, "b": 25}  # 5, 2.5, 2.5
        tied = seats_of(votes)
        self.assertEqual(tied, {"seats": {"c": 5, "a": 2, "b": 2}, "decision_needed": {"between": ["a", "b"], "seats": 1}})
        resolved = seats_of(votes, decisions=[decision("cec", 1, resolve("list", "ab", 1, "b"))])
        self.assertEqual(resolved, {"seats": {"c": 5, "a": 2, "b": 3}, "decision_needed": None})

    def test_a_decision_for_another_tie_is_void(self):
        votes = {"c": 50, "a": 25, "b": 25}
        for ruling in (resolve("list", "abc", 1, "b"), resolve("list", "ab", 2, "b"), resolve("list", "bc", 1, "b")):
            self.assertIsNotNone(seats_of(votes, decisions=[decision("cec", 1, ruling)])["decision_needed"])

    def test_of_two_decisions_on_one_tie_the_higher_number_holds(self):
        votes = {"c": 50, "a": 25, "b": 25}
        both = [decision("cec", 1, resolve("list", "ab", 1, "b")), decision("cec", 2, resolve("list", "ab", 1, "a"))]
        self.assertEqual(seats_of(votes, decisions=both)["seats"]["a"], 3)

    def test_d_hondt_gives_seats_by_highest_quotients(self):
        votes = {"a": 340, "b": 280, "c": 160, "d": 60, "e": 15}
        outcome = seats_of(votes, seats=7, allocation="d-hondt", threshold=None)
        self.assertEqual(outcome, {"seats": {"a": 3, "b": 3, "c": 1, "d": 0, "e": 0}, "decision_needed": None})

    def test_equal_quotients_at_the_line_need_a_decision(self):
        outcome = seats_of({"a": 60, "b": 30, "c": 30}, seats=3, allocation="d-hondt", threshold=None)
        self.assertEqual(outcome, {"seats": {"a": 1, "b": 0, "c": 0}, "decision_needed": {"between": ["a", "b", "c"], "seats": 2}})

    def test_a_sole_list_shares_with_the_runner_up(self):
        self.assertEqual(seats_of({"a": 970, "b": 20, "c": 10})["seats"], {"a": 8, "b": 2, "c": 0})
        self.assertEqual(seats_of({"a": 970, "b": 20, "c": 10}, sole=None)["seats"], {"a": 10, "b": 0, "c": 0})
        self.assertEqual(seats_of({"a": 970, "b": 0, "c": 0}), {"seats": {"a": 10, "b": 0, "c": 0}, "decision_needed": None})

    def test_tied_runners_up_need_a_decision_with_one_winner_for_all_seats(self):
        votes = {"a": 970, "b": 15, "c": 15}
        self.assertEqual(seats_of(votes), {"seats": {"a": 8, "b": 0, "c": 0}, "decision_needed": {"between": ["b", "c"], "seats": 2}})
        resolved = seats_of(votes, decisions=[decision("cec", 1, resolve("list", "bc", 2, "c"))])
        self.assertEqual(resolved, {"seats": {"a": 8, "b": 0, "c": 2}, "decision_needed": None})

    def test_nothing_is_won_without_votes(self):
        result = evaluate()
        self.assertEqual(result["seats"]["list"], {"seats": {"b": 0, "a": 0, "c": 0}, "decision_needed": None})
        self.assertEqual(result["seats"]["c-d1"], {"winner": None, "decision_needed": None})

    def test_plurality_ties_and_against_all(self):
        def winner(votes, against_all=0, *decisions):
            return evaluate(protocol(contest="c-d1", votes=votes, against_all=against_all), *decisions)["seats"]["c-d1"]

        self.assertEqual(winner({"x": 5, "y": 4, "z": 0}, 4)["winner"], "x")
        self.assertEqual(winner({"x": 5, "y": 4, "z": 0}, 5), {"winner": None, "decision_needed": None})
        self.assertEqual(winner({"x": 5, "y": 5, "z": 0}, 5), {"winner": None, "decision_needed": None})
        self.assertEqual(winner({"x": 5, "y": 4, "z": 0}, 6), {"winner": None, "decision_needed": None})
        tie = {"winner": None, "decision_needed": {"between": ["x", "y"], "seats": 1}}
        self.assertEqual(winner({"x": 5, "y": 5, "z": 0}), tie)
        drawn = decision("cec", 1, resolve("c-d1", "xy", 1, "y"))
        self.assertEqual(winner({"x": 5, "y": 5, "z": 0}, 0, drawn), {"winner": "y", "decision_needed": None})


class Programme(unittest.TestCase):
    def test_it_reads_worlds_and_writes_results_in_the_same_order(self):
        worlds = [{"definition": definition(), "submissions": list(subs)} for subs in ([protocol()], [], [protocol("s2")])]
        command = [sys.executable, str(pathlib.Path(oracle.__file__))]
        answer = subprocess.run(command, input=json.dumps({"worlds": worlds}), capture_output=True, text=True, check=True)
        expected = [json.loads(json.dumps(oracle.evaluate(world))) for world in worlds]
        self.assertEqual(json.loads(answer.stdout), {"results": expected})


if __name__ == "__main__":
    unittest.main()
