"""The rules of the journal once more, slowly, by walks on graphs: what tests compare with.

Written from the docstrings of `journal`, `pairs` and `bans`; shares no code with them.
"""

import networkx as nx


def in_decision_order(indices, rows):
    def key(i):
        row = rows[i]
        mates = [j for j in indices if rows[j]["source_file"] == row["source_file"]]
        is_dated = all(rows[j]["decided_at"] for j in indices)
        is_file_dated = all(rows[j]["decided_at"] for j in mates)
        return (
            row["decided_at"] if is_dated else "",
            row["source_file"],
            row["decided_at"] if is_file_dated else "",
            i,
        )

    return sorted(indices, key=key)


def latest_by_hand(rows):
    if all(row["decided_at"] for row in rows):
        newest = max(row["decided_at"] for row in rows)
        return [row for row in rows if row["decided_at"] == newest]
    last = [row for row in rows if row["source_file"] == max(r["source_file"] for r in rows)]
    return latest_by_hand(last) if all(row["decided_at"] for row in last) else last


def folded_by_networkx(rows, known, limit, roles=()):
    """(outcome_reason or outcome, resolved_to, merge_path) per row, by graph walks."""
    rows = [{"decision": "merge", "reason": None, **row} for row in rows]
    said = [None] * len(rows)

    def still_open():
        return [i for i, verdict in enumerate(said) if verdict is None]

    def graph_of(indices):
        return nx.DiGraph((rows[i]["old"], rows[i]["new"]) for i in indices)

    for i, row in enumerate(rows):
        if row["old"] == row["new"]:
            said[i] = "self_merge"
    _settle_pairs(rows, said, still_open())
    bans = [i for i, verdict in enumerate(said) if verdict == "ban"]
    for old in {rows[i]["old"] for i in still_open()}:
        mine = [i for i in still_open() if rows[i]["old"] == old]
        latest = {row["new"] for row in latest_by_hand([rows[i] for i in mine])}
        for i in mine:
            if rows[i]["new"] not in latest:
                said[i] = "superseded"
            elif len(latest) > 1:
                said[i] = "conflicting_target"
    for cycle in list(nx.simple_cycles(graph_of(still_open()))):
        for i in still_open():
            if rows[i]["old"] in cycle:
                said[i] = "cycle"
    reasoned = {rows[i]["old"] for i in still_open() if rows[i]["reason"]}
    for i in still_open():
        locals_ = {rows[i][side].split("@")[0] for side in ("old", "new")}
        if locals_ & set(roles) and rows[i]["old"] not in reasoned:
            said[i] = "shared_mailbox"
    for cluster in list(nx.weakly_connected_components(graph_of(still_open()))):
        _apply_bans(rows, said, [i for i in still_open() if rows[i]["old"] in cluster], bans)
    reasoned = {rows[i]["old"] for i in still_open() if rows[i]["reason"]}
    for cluster in list(nx.weakly_connected_components(graph_of(still_open()))):
        for i in still_open():
            old = rows[i]["old"]
            if len(cluster) > limit and old in cluster and old not in reasoned:
                said[i] = "too_large"
    graph = graph_of(still_open())
    for i in still_open():
        new = rows[i]["new"]
        if not known & ({new} | nx.descendants(graph, new)):
            said[i] = "unknown_target"
    graph = graph_of(still_open())
    applied = {"ban", "ban_repeat", "undo_applied"}
    result = [("applied" if v in applied else v, None, None) for v in said]
    for i in still_open():
        old = rows[i]["old"]
        (end,) = [node for node in nx.descendants(graph, old) if graph.out_degree(node) == 0]
        path = nx.shortest_path(graph, old, end)
        result[i] = ("applied", end, " > ".join(path))
    return result


def _settle_pairs(rows, said, indices):
    """The pair's decisions as if those that were taken back had never been said."""
    pairs = {}
    for i in indices:
        pairs.setdefault(frozenset((rows[i]["old"], rows[i]["new"])), []).append(i)
    for mine in pairs.values():
        kept = []
        for i in in_decision_order(mine, rows):
            if rows[i]["decision"] != "undo":
                kept.append(i)
                continue
            stands = [j for j, verdict in _standing(rows, kept).items() if verdict != "ended"]
            merges = [j for j in stands if rows[j]["decision"] == "merge"]
            bans = [j for j in stands if rows[j]["decision"] == "never"]
            same_way = [j for j in merges if rows[j]["old"] == rows[i]["old"]]
            taken_back = same_way or bans or merges
            for j in taken_back:
                said[j] = "undo"
            kept = [j for j in kept if j not in taken_back]
            said[i] = "undo_applied" if taken_back else "nothing_to_undo"
        for i, verdict in _standing(rows, kept).items():
            if verdict == "ended":
                said[i] = "superseded" if rows[i]["decision"] == "never" else "never"
            elif verdict != "merge":
                said[i] = verdict


def _standing(rows, ordered):
    """Per row of a pair without undos: merge, ban, ban_repeat or ended."""
    found = {}
    for i in ordered:
        kind = rows[i]["decision"]
        if kind == "never" and any(v == "ban" for v in found.values()):
            found[i] = "ban_repeat"
            continue
        for j, verdict in found.items():
            if rows[j]["decision"] != kind and verdict != "ended":
                found[j] = "ended"
        found[i] = "ban" if kind == "never" else "merge"
    return found


def _apply_bans(rows, said, merges, bans):
    graph = nx.Graph((rows[i]["old"], rows[i]["new"]) for i in merges)
    inside = [b for b in bans if rows[b]["old"] in graph and rows[b]["new"] in graph]
    grown = nx.Graph()
    grown.add_nodes_from(graph)
    for i in in_decision_order(merges, rows):
        tried = nx.Graph(grown)
        tried.add_edge(rows[i]["old"], rows[i]["new"])
        broken = [b for b in inside if nx.has_path(tried, rows[b]["old"], rows[b]["new"])]
        if not broken:
            grown = tried
            continue
        first = next(b for b in in_decision_order(inside, rows) if b in broken)
        is_ban_later = in_decision_order([i, first], rows)[-1] == first
        said[i] = "never" if is_ban_later else "banned"
