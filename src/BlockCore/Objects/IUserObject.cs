namespace BlockGraph.BlockCore.Objects;

/// <summary>An object that a user creates by type and id, such as a throttle group. Main context only. <i>QEMU: UserCreatable.</i></summary>
/// <remarks>
/// Its life: its type makes it from options; <see cref="ObjectRegistry.Add"/> gives it its id and has it come into effect; its properties are
/// read and set; <see cref="ObjectRegistry.Remove"/> disposes it. One that never came into effect is disposed too.
/// </remarks>
public interface IUserObject : IDisposable
{
    /// <summary>The type's name, such as <c>throttle-group</c>.</summary>
    string TypeName { get; }

    /// <summary>True while something else needs it, so that it cannot be removed.</summary>
    bool IsInUse { get; }

    /// <summary>What can be read and set by name, in the order shown to a person.</summary>
    IReadOnlyList<ObjectProperty> Properties { get; }

    /// <summary>The object has its id: it comes into effect, and what it clashes with outside of itself is found now. <i>QEMU: user_creatable_complete().</i></summary>
    /// <exception cref="Errors.BlockException">It cannot; nothing has changed outside of it.</exception>
    void Complete();
}
