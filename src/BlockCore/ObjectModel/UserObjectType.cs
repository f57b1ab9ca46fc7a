using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Objects;
using BlockGraph.BlockCore.Options;

namespace BlockGraph.BlockCore.ObjectModel;

/// <summary>
/// What the author of an object type registers: its name, its options, and how it makes one. It holds no state of any object.
/// <i>QEMU: a TypeInfo with TYPE_USER_CREATABLE.</i>
/// </summary>
public abstract class UserObjectType
{
    /// <summary>The name that <c>qom-type</c> takes.</summary>
    public abstract string Name { get; }

    /// <summary>One line for a person.</summary>
    public abstract string Summary { get; }

    /// <summary>The options that an object can be created with, beside <c>qom-type</c> and <c>id</c>.</summary>
    public abstract OptionSchema Options { get; }

    /// <summary>
    /// Makes an object from options that have been held against <see cref="Options"/>. It has no effect outside of itself before
    /// <see cref="IUserObject.Complete"/>. Main context.
    /// </summary>
    /// <exception cref="BlockException">The options do not go together; the message names one.</exception>
    public abstract IUserObject Create(UserObjectContext context);
}
