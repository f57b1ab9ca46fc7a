using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;

namespace BlockGraph.BlockCore.Jobs;

/// <summary>The jobs of a graph. They stand among its roots, from their creation until they are dismissed; their ids are a name space of their own. <i>QEMU: job.c's list.</i></summary>
public static class JobRegistry
{
    extension(NodeGraph graph)
    {
        /// <summary>Every job, in order of creation.</summary>
        public IReadOnlyList<BlockJob> Jobs => [.. graph.Roots.OfType<BlockJob>()];

        /// <summary>The job with this id, or null.</summary>
        public BlockJob? FindJob(string id) => graph.Roots.OfType<BlockJob>().FirstOrDefault(job => job.Id == id);

        /// <summary>What every job is doing, in order of creation. Any thread. <i>QEMU: query-jobs, which lists the newest first.</i></summary>
        public Task<IReadOnlyList<JobInfo>> QueryJobsAsync() =>
            graph.MainContext.RunAsync(() => Task.FromResult<IReadOnlyList<JobInfo>>([.. graph.Jobs.Select(job => job.Info)]));
    }

    /// <summary>Chooses a job's id: the one asked for, or the name of the backend over its first node.</summary>
    /// <exception cref="BlockException">There is none, it is malformed, or it is taken.</exception>
    internal static string ChooseId(NodeGraph graph, string? wanted, IReadOnlyList<JobNode> nodes)
    {
        string id = wanted ?? (nodes.Count > 0 ? DeviceNameOf(nodes[0].Node) : throw new BlockException("An explicit job ID is required"));
        if (!NodeName.IsWellFormed(id))
        {
            throw new BlockException($"Invalid job ID '{id}'");
        }

        if (graph.FindJob(id) is not null)
        {
            throw new BlockException(BlockErrorKind.AlreadyExists, $"Job ID '{id}' already in use");
        }

        return id;
    }

    private static string DeviceNameOf(BlockNode node)
    {
        foreach (BlockChild edge in node.Parents)
        {
            if (edge.Parent is IRootParent { Name: { } name })
            {
                return name;
            }
        }

        return string.Empty;
    }
}
