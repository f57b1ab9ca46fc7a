namespace BlockGraph.BlockCore.Graph;

/// <summary>A root parent that may send requests from several contexts at once.</summary>
internal interface ISharingParent
{
    /// <summary>True where it does.</summary>
    bool HasManySubmitters { get; }
}
