"""Whether Vulkan finds a GPU of NVIDIA's. Madrona asks for one, and aborts the process if there is none."""

import ctypes

_NVIDIA = 0x10DE
_INSTANCE_CREATE_INFO = 1


class _InstanceCreateInfo(ctypes.Structure):
    _fields_ = [
        ("sType", ctypes.c_int),
        ("pNext", ctypes.c_void_p),
        ("flags", ctypes.c_uint32),
        ("pApplicationInfo", ctypes.c_void_p),
        ("enabledLayerCount", ctypes.c_uint32),
        ("ppEnabledLayerNames", ctypes.c_void_p),
        ("enabledExtensionCount", ctypes.c_uint32),
        ("ppEnabledExtensionNames", ctypes.c_void_p),
    ]


def finds_nvidia(vulkan: ctypes.CDLL) -> bool:
    """Whether Vulkan's loader, `libvulkan.so.1`, has a driver with a GPU of NVIDIA's.

    Source: vkCreateInstance, vkEnumeratePhysicalDevices and VkPhysicalDeviceProperties of the Vulkan
    specification.
    """
    info, instance = _InstanceCreateInfo(sType=_INSTANCE_CREATE_INFO), ctypes.c_void_p()
    if vulkan.vkCreateInstance(ctypes.byref(info), None, ctypes.byref(instance)):
        return False
    try:
        count = ctypes.c_uint32()
        vulkan.vkEnumeratePhysicalDevices(instance, ctypes.byref(count), None)
        devices = (ctypes.c_void_p * count.value)()
        vulkan.vkEnumeratePhysicalDevices(instance, ctypes.byref(count), devices)
        return any(_vendor(vulkan, device) == _NVIDIA for device in devices[: count.value])
    finally:
        vulkan.vkDestroyInstance(instance, None)


def _vendor(vulkan: ctypes.CDLL, device: int | None) -> int:
    properties = (ctypes.c_uint32 * 1024)()  # more than the 824 bytes it takes
    vulkan.vkGetPhysicalDeviceProperties(ctypes.c_void_p(device), properties)
    return properties[2]
