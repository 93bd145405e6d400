"""Best modularity (at the given resolution) of ten runs of leidenalg on the graph read from standard input."""
import sys, json, igraph, leidenalg
g = json.load(sys.stdin)
graph = igraph.Graph(n=g["nodes"], edges=[(a, b) for a, b, _ in g["edges"]])
graph.es["weight"] = [w for _, _, w in g["edges"]]
best = None
for seed in range(10):
    p = leidenalg.find_partition(graph, leidenalg.RBConfigurationVertexPartition, weights="weight", resolution_parameter=g["resolution"], seed=seed, n_iterations=10)
    q = p.quality() / (2 * sum(graph.es["weight"]))
    best = q if best is None else max(best, q)
print(best)
