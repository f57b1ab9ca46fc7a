namespace BlockGraph.BlockCore.Objects;

/// <summary>An object that a user creates by type and id, such as a throttle group. <i>QEMU: UserCreatable.</i></summary>
public interface IUserObject : IDisposable
{
    /// <summary>The type's name, such as <c>throttle-group</c>.</summary>
    string TypeName { get; }

    /// <summary>True while something else needs it, so that it cannot be removed.</summary>
    bool IsInUse { get; }
}
