using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Events;
using BlockGraph.BlockCore.Io;

namespace BlockGraph.BlockCore.Graph;

/// <summary>
/// The buffers that users have registered, and which drivers have been told: those of every node below the user, whenever it comes there, and no others.
/// <i>QEMU: bdrv_register_buf(), which tells the nodes of the moment.</i>
/// </summary>
/// <remarks>Main context. Looked through after each change of the graph, and free of cost while nothing is registered.</remarks>
internal sealed class RegisteredBuffers(NodeGraph graph)
{
    private readonly List<(IRootParent Owner, BufferRange Buffer)> _registrations = [];

    // What each driver was asked to prepare, and whether it did.
    private readonly Dictionary<BlockNode, Dictionary<BufferRange, bool>> _told = [];

    /// <summary>Registers a buffer for <paramref name="owner"/>; false where it has been.</summary>
    public bool TryAdd(IRootParent owner, BufferRange buffer)
    {
        if (_registrations.Contains((owner, buffer)))
        {
            return false;
        }

        _registrations.Add((owner, buffer));
        Update();
        return true;
    }

    /// <summary>Undoes one <see cref="TryAdd"/>; false where there was none.</summary>
    public bool TryRemove(IRootParent owner, BufferRange buffer)
    {
        bool isFound = _registrations.Remove((owner, buffer));
        Update();
        return isFound;
    }

    /// <summary>The user is gone.</summary>
    public void RemoveAll(IRootParent owner)
    {
        _registrations.RemoveAll(r => ReferenceEquals(r.Owner, owner));
        Update();
    }

    /// <summary>The graph has changed, or the registrations have: drivers that are newly below a user hear of its buffers, those that no longer are hear of the end.</summary>
    public void Update()
    {
        if (_registrations.Count == 0 && _told.Count == 0)
        {
            return;
        }

        Dictionary<BlockNode, HashSet<BufferRange>> wanted = CollectWanted();
        foreach (BlockNode node in _told.Keys.Where(node => !wanted.ContainsKey(node)).ToList())
        {
            Tell(node, []);
        }

        // In order of creation, whatever the sets' order.
        foreach (BlockNode node in graph.EveryNode)
        {
            if (wanted.TryGetValue(node, out HashSet<BufferRange>? buffers))
            {
                Tell(node, buffers);
            }
        }
    }

    private Dictionary<BlockNode, HashSet<BufferRange>> CollectWanted()
    {
        Dictionary<BlockNode, HashSet<BufferRange>> wanted = [];
        foreach ((IRootParent owner, BufferRange buffer) in _registrations)
        {
            Stack<BlockNode> open = new(owner.Edges.Select(edge => edge.Node));
            while (open.TryPop(out BlockNode? node))
            {
                wanted.TryAdd(node, []);
                if (node.HasInstance && wanted[node].Add(buffer))
                {
                    foreach (BlockChild child in node.ChildSpan)
                    {
                        open.Push(child.Node);
                    }
                }
            }
        }

        return wanted;
    }

    private void Tell(BlockNode node, HashSet<BufferRange> wanted)
    {
        if (!_told.TryGetValue(node, out Dictionary<BufferRange, bool>? told))
        {
            told = [];
            _told.Add(node, told);
        }

        foreach ((BufferRange buffer, bool isPrepared) in told.Where(t => !wanted.Contains(t.Key)).ToList())
        {
            told.Remove(buffer);
            _ = isPrepared && TryRun(node, instance => instance.UnregisterBuffer(buffer));
        }

        foreach ((_, BufferRange buffer) in _registrations)
        {
            if (wanted.Contains(buffer) && !told.ContainsKey(buffer))
            {
                bool isPrepared = false;
                _ = TryRun(node, instance => isPrepared = instance.TryRegisterBuffer(buffer));
                told.Add(buffer, isPrepared);
            }
        }

        if (told.Count == 0)
        {
            _told.Remove(node);
        }
    }

    // It is a hint: a driver with a bug does without.
    private bool TryRun(BlockNode node, Action<DriverModel.BlockDriverInstance> call)
    {
        try
        {
            call(node.Instance);
            return true;
        }
        catch (Exception error) when (error is not InvariantViolationException)
        {
            graph.Events.Publish(new BlockWarning($"Node '{node.Name}': driver '{node.Driver.Name}' has a bug: registering a buffer failed: {error.Message}"));
            return false;
        }
    }
}
