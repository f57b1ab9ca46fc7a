using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Objects;
using BlockGraph.BlockCore.Throttling;

namespace BlockGraph.BlockCore.ObjectModel;

/// <summary>A throttle group that a user has created: it holds one reference to the group. <i>QEMU: ThrottleGroup as an Object.</i></summary>
public sealed class ThrottleGroupObject : IUserObject
{
    private readonly NodeGraph _graph;
    private readonly string _id;
    private readonly ThrottleLimitsUpdate _limits;
    private readonly bool _isAdopting;
    private readonly string? _parentName;
    private readonly ThrottleShare _share;
    private ThrottleGroup? _group;

    internal ThrottleGroupObject(NodeGraph graph, string id, ThrottleLimitsUpdate limits, bool isAdopting, string? parentName, ThrottleShare share)
    {
        _graph = graph;
        _id = id;
        _limits = limits;
        _isAdopting = isAdopting;
        _parentName = parentName;
        _share = share;
    }

    /// <summary>The group.</summary>
    public ThrottleGroup Group
    {
        get
        {
            Invariant.Check(_group is not null);
            return _group;
        }
    }

    /// <inheritdoc/>
    public string TypeName => ThrottleGroupType.TypeName;

    /// <inheritdoc/>
    public bool IsInUse => _graph.ThrottleGroups.IsShared(Group);

    /// <inheritdoc/>
    public IReadOnlyList<ObjectProperty> Properties => new ThrottleGroupProperties(_graph, Group).All;

    /// <inheritdoc/>
    public void Complete()
    {
        _group = _graph.ThrottleGroups.CreateObject(
            _id, _limits, _isAdopting, ThrottleLimitsReader.Nested.ErrorPrefix, ThrottleGroupProperties.PolicyOf(_graph), _parentName);
        if (!_share.IsDefault)
        {
            _group.SetShare(_share);
        }
    }

    /// <summary>Gives the group back. Whoever still is in it stays, as in a group that nodes have created.</summary>
    public void Dispose()
    {
        if (_group is { } group)
        {
            _group = null;
            _graph.ThrottleGroups.ReleaseObject(group);
        }
    }
}
